"""Pictures inside a page, packed so that the page stays small."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image, UnidentifiedImageError

_SMALL = 100_000  # bytes; a smaller PNG is not packed again
_MAX_WIDTH = 1600  # pixels
_QUALITY = 82  # of WebP


@dataclass(frozen=True)
class Picture:
    """A picture in a page: contents as a data URI, size [pixel], link to the original file."""

    source: str
    alt: str
    caption: str
    width: int
    height: int
    link: str


class Album:
    """Adds pictures to a page in a folder, up to a total size ``room`` [bytes]."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder, self.room = folder, room

    def add(self, path: Path, alt: str, caption: str) -> Picture | None:
        """Read a picture; ``None`` without such a file, if it is not a picture, or without room."""
        try:
            source, width, height = _embed(path)
        except (OSError, UnidentifiedImageError):
            return None
        if len(source) > self.room:
            return None
        self.room -= len(source)
        return Picture(source, alt, caption, width, height, relative_link(path, self.folder))


def relative_link(path: Path, folder: Path) -> str:
    """Return the address of a file, relative to a page in a folder."""
    return quote(os.path.relpath(path, folder).replace(os.sep, "/"))


def _embed(path: Path) -> tuple[str, int, int]:
    """Read a picture as a data URI, with its width and height."""
    content, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(content)) as image:
        size = image.size
        if len(content) > _SMALL or image.format != "PNG":
            drawn = image.convert("RGB")
            drawn.thumbnail((_MAX_WIDTH, 4 * _MAX_WIDTH))
            packed = io.BytesIO()
            drawn.save(packed, "webp", quality=_QUALITY)
            if packed.tell() < len(content) or image.format != "PNG":
                content, kind, size = packed.getvalue(), "webp", drawn.size
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}", *size
