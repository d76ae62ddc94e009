"""Figures of a stored network, packed so that the package stays small."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

_COLOURS = 64  # lines, their shades at edges, and the frame of a figure


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
    """Return a PNG of the most frequent colours; the others become the nearest of these."""
    with Image.open(path) as image:
        drawn = image.convert("RGB")
    counts: Any = drawn.getcolors(drawn.width * drawn.height) or []  # of (number, colour)
    chosen = [colour for _, colour in sorted(counts, reverse=True)[:_COLOURS]]
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for colour in chosen for value in colour])
    stream = io.BytesIO()
    packed = drawn.quantize(palette=palette, dither=Image.Dither.NONE)
    packed.save(stream, "png", optimize=True)
    return stream.getvalue()
