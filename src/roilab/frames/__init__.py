"""Read, write and pair frame files of the Wire-Cell Toolkit (WCT)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roilab.building import TargetError, build
from roilab.frames.archive import ArchiveFrames
from roilab.frames.base import FrameFile, TagInfo
from roilab.frames.errors import (
    BadChargeError,
    ChannelRangeError,
    EventMismatchError,
    FrameFileError,
    MissingTagError,
    TickAxisError,
)
from roilab.frames.hdf5 import Hdf5Frames
from roilab.frames.pairs import FilePair, match_events, match_files
from roilab.frames.plane import TickAxis, find_apas, first_channel, read_plane
from roilab.frames.tag_reader import TagReader, TruthTag
from roilab.frames.writer import FrameWriter

__all__ = [
    "BadChargeError",
    "ChannelRangeError",
    "EventMismatchError",
    "FilePair",
    "FrameFile",
    "FrameFileError",
    "FrameWriter",
    "MissingTagError",
    "TagInfo",
    "TagReader",
    "TickAxis",
    "TickAxisError",
    "TruthTag",
    "find_apas",
    "first_channel",
    "match_events",
    "match_files",
    "open_frames",
    "read_plane",
]


def open_frames(path: str | Path, reader: Mapping[str, Any] | None = None) -> FrameFile:
    """Open a frame file.

    Args:
        path: of the file, or of a folder where ``reader`` takes one.
        reader: ``_target_`` of a ``FrameFile`` of the user, and its arguments besides ``path``
            (``data.reader``); ``None``: the ending of the name gives the container.

    Raises:
        FrameFileError: the file is absent, of another format, or truncated; or the reader cannot
            be made.
    """
    path = Path(path)
    if reader is not None:
        return _open_with(reader, path)
    if path.name.endswith((".npz", ".tar", ".tar.gz", ".tar.bz2")):
        return ArchiveFrames(path)
    return Hdf5Frames(path)


def _open_with(reader: Mapping[str, Any], path: Path) -> FrameFile:
    try:
        frames = build("data.reader", reader, path=path)
    except TargetError as error:
        raise FrameFileError(f"{path}: {error}") from error
    if not isinstance(frames, FrameFile):
        raise FrameFileError(
            f"{path}: data.reader._target_={reader['_target_']} gives {type(frames).__name__}; "
            "expected a roilab.frames.FrameFile. Derive your class from it."
        )
    return frames
