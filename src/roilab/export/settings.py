"""Settings of an export."""

from dataclasses import dataclass
from typing import Literal

from roilab.errors import RoilabError

Precision = Literal["float32", "bf16"]
Format = Literal["torchscript", "onnx"]


class ExportError(RoilabError):
    """A network cannot be exported with these settings."""


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """The group ``conf/export``.

    Attributes:
        precision: number format in which the network computes; its output is always float32.
        max_memory_mb: bound on the memory of one image of the recipe's size, above the loaded file
            [MB, 1e6 bytes]. Large feature images are computed in bands of channels where the bound
            requires it. ``None`` for no bound.
        format: of the file.
    """

    precision: Precision
    max_memory_mb: float | None
    format: Format

    def __post_init__(self) -> None:
        if self.precision not in ("float32", "bf16"):
            raise ExportError(
                f"export.precision={self.precision}: expected float32 or bf16; choose one."
            )
        if self.format not in ("torchscript", "onnx"):
            raise ExportError(
                f"export.format={self.format}: expected torchscript or onnx; choose one."
            )
        if self.max_memory_mb is not None and self.max_memory_mb <= 0:
            raise ExportError(
                f"export.max_memory_mb={self.max_memory_mb}: expected more than 0, or null for no "
                "bound."
            )
