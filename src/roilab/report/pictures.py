"""Pictures inside a page, small enough to travel with it."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from matplotlib.figure import Figure
from PIL import Image, UnidentifiedImageError

from roilab.atomic_write import write_bytes

_SMALL = 100_000  # bytes; a PNG below it stays as it is
_WIDEST = 1600  # pixels
_QUALITY = 82  # of WebP


@dataclass(frozen=True)
class Picture:
    """A picture as a page shows it.

    Attributes:
        source: its contents as a data URI.
        alt: what is to be seen, for those who do not see it.
        caption: below it.
        width: of the contents [pixel].
        height: of the contents [pixel].
        link: to the file it was made of.
    """

    source: str
    alt: str
    caption: str
    width: int
    height: int
    link: str | None


class Album:
    """Takes pictures into a page as long as there is room.

    Args:
        folder: of the page.
        room: for all pictures together, as they stand in the page [bytes].
    """

    def __init__(self, folder: Path, room: int) -> None:
        self.folder, self.room = folder, room

    def add(self, path: Path, alt: str, caption: str) -> Picture | None:
        """A file's picture; ``None`` where there is no such file, no picture in it, or no room."""
        try:
            source, width, height = _embedded(path)
        except (OSError, UnidentifiedImageError):
            return None
        if len(source) > self.room:
            return None
        self.room -= len(source)
        return Picture(source, alt, caption, width, height, relative_link(path, self.folder))


def relative_link(path: Path, folder: Path) -> str:
    """From a page in a folder to a file, as an address."""
    return quote(os.path.relpath(path, folder).replace(os.sep, "/"))


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole or not at all."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    write_bytes(path, content.getvalue())


def _embedded(path: Path) -> tuple[str, int, int]:
    """A picture file as a data URI, with its width and height."""
    content, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(content)) as image:
        size = image.size
        if len(content) > _SMALL or image.format != "PNG":
            drawn = image.convert("RGB")
            drawn.thumbnail((_WIDEST, 4 * _WIDEST))
            packed = io.BytesIO()
            drawn.save(packed, "webp", quality=_QUALITY)
            if packed.tell() < len(content) or image.format != "PNG":
                content, kind, size = packed.getvalue(), "webp", drawn.size
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}", *size
