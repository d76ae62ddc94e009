"""Settings of an export."""

from dataclasses import dataclass
from typing import Literal, get_args

from roilab.errors import RoilabError

Precision = Literal["float32", "bf16"]
Format = Literal["torchscript", "onnx"]


class ExportError(RoilabError):
    """A network cannot be exported with these settings."""


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Settings of ``conf/export/default.yaml``, which documents every key."""

    precision: Precision
    max_memory_mb: float | None
    format: Format

    def __post_init__(self) -> None:
        for name, choices in (("precision", Precision), ("format", Format)):
            value, expected = getattr(self, name), get_args(choices)
            if value not in expected:
                raise ExportError(
                    f"export.{name}={value}: expected {' or '.join(expected)}; choose one."
                )
        if self.max_memory_mb is not None and self.max_memory_mb <= 0:
            raise ExportError(
                f"export.max_memory_mb={self.max_memory_mb}: expected more than 0, or null for no "
                "bound."
            )
