"""Figures of a stored network, packed so that the package stays small."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

_COLOURS = 32  # lines, their shades at edges, and the frame of a figure
_WIDTH = 800  # pixels


def pack_figures(folder: Path, names: Sequence[str], subfolder: str) -> dict[str, bytes]:
    """Return PNG files with few colours, by the path that a card links.

    Pictures of events are left out: they are large, and of events that the package lacks.

    Args:
        folder: in which the figures lie.
        names: their paths in it.
        subfolder: beside the card, for the links.
    """
    packed = {}
    for name in names:
        if name.endswith("-by-roi-efficiency.png"):
            continue
        try:
            content = _pack(folder / name)
        except (OSError, UnidentifiedImageError):
            continue
        packed[f"{subfolder}/{name.replace('/', '-')}"] = content
    return packed


def _pack(path: Path) -> bytes:
    with Image.open(path) as image:
        drawn = image.convert("RGB")
    drawn.thumbnail((_WIDTH, 4 * _WIDTH), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    palette = drawn.quantize(_COLOURS, dither=Image.Dither.NONE)
    palette.save(stream, "png", optimize=True)
    return stream.getvalue()
