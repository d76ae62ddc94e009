"""Read, write and pair frame files of the Wire-Cell Toolkit (WCT)."""

from pathlib import Path

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
from roilab.frames.pairs import (
    FilePair,
    match_events,
    match_files,
    truth_beside,
    truth_name,
)
from roilab.frames.plane import TickAxis, find_apas, first_channel, input_ticks, read_plane
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
    "input_ticks",
    "match_events",
    "match_files",
    "open_frames",
    "read_plane",
    "truth_beside",
    "truth_name",
]


def open_frames(path: str | Path) -> FrameFile:
    """Open a frame file; the ending of its name gives the container.

    Raises:
        FrameFileError: the file is absent, of another format, or truncated.
    """
    path = Path(path)
    if path.name.endswith((".npz", ".tar", ".tar.gz", ".tar.bz2")):
        return ArchiveFrames(path)
    return Hdf5Frames(path)
