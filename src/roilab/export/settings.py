"""Settings of an export."""

from dataclasses import dataclass
from typing import Literal

from roilab.config import read_part
from roilab.errors import RoilabError

Precision = Literal["float32", "bf16", "int8"]
Format = Literal["torchscript", "onnx"]


class ExportError(RoilabError):
    """A network cannot be exported with these settings."""


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """Settings of ``conf/export/default.yaml``, which documents every key."""

    precision: Precision
    calibration: str | None
    max_memory_mb: float | None
    format: Format
    licence: str | None

    def __post_init__(self) -> None:
        read_part("roilab.export.settings.ExportSettings", vars(self), "export")
