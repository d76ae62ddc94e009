"""How a network is to be delivered."""

from dataclasses import dataclass
from typing import Literal

from roilab.errors import RoilabError

Precision = Literal["float32", "bf16"]
Format = Literal["torchscript", "onnx"]


class ExportError(RoilabError):
    """A network cannot be exported as asked."""


@dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """The group ``conf/export``.

    Attributes:
        precision: in which the network computes; its output is float32 either way.
        max_memory_mb: memory that one image of the recipe's size may take beside the loaded file
            [MB, 1e6 bytes]; the outer levels run in bands of channels where it needs that. ``None``
            for no bound.
        band: channels in a band, instead of ``max_memory_mb``; ``None`` for none given.
        levels: outer levels that run in bands of ``band`` channels (1: full size alone).
        format: of the file.
    """

    precision: Precision
    max_memory_mb: float | None
    band: int | None
    levels: int
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
        if self.max_memory_mb is not None and self.band is not None:
            raise ExportError(
                "export.max_memory_mb and export.band are both given; the first chooses the "
                "second. Set one of them to null."
            )
        for name, value in (("max_memory_mb", self.max_memory_mb), ("band", self.band)):
            if value is not None and value <= 0:
                raise ExportError(f"export.{name}={value}: expected more than 0, or null.")
        if self.levels < 1:
            raise ExportError(f"export.levels={self.levels}: expected at least 1.")
