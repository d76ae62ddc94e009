"""Read, write and pair frame files of the Wire-Cell Toolkit (WCT)."""

from pathlib import Path

from roilab.frames.archive import TarFrames, ZipFrames
from roilab.frames.base import FrameFile
from roilab.frames.errors import (
    BadChargeError,
    ChannelRangeError,
    EventMismatchError,
    FrameFileError,
    MissingTagError,
    TickAxisError,
)
from roilab.frames.hdf5 import Hdf5Frames
from roilab.frames.names import (
    ARCHIVE_ENDINGS,
    CONTAINERS,
    ZSTD_ENDINGS,
    apa_of,
    ending_of,
    shown,
    shown_tags,
)
from roilab.frames.pairs import (
    FilePair,
    match_events,
    match_files,
    truth_beside,
    truth_name,
)
from roilab.frames.plane import (
    TickAxis,
    find_apas,
    find_truth_tag,
    first_channel,
    input_ticks,
    is_bad,
    read_plane,
)
from roilab.frames.tag_info import TagInfo
from roilab.frames.tag_reader import TagReader, TruthTag
from roilab.frames.window import Window
from roilab.frames.writer import FrameWriter

__all__ = [
    "CONTAINERS",
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
    "Window",
    "apa_of",
    "ending_of",
    "find_apas",
    "find_truth_tag",
    "first_channel",
    "input_ticks",
    "is_bad",
    "match_events",
    "match_files",
    "open_frames",
    "read_plane",
    "shown",
    "shown_tags",
    "truth_beside",
    "truth_name",
]


def open_frames(path: str | Path) -> FrameFile:
    """Open a frame file; the ending of its name gives the container.

    Raises:
        FrameFileError: the file is absent, of another format, or truncated.
    """
    path = Path(path)
    ending = ending_of(path.name)
    if ending in ZSTD_ENDINGS or ARCHIVE_ENDINGS.get(ending) is not None:
        return TarFrames(path)
    return ZipFrames(path) if ending in ARCHIVE_ENDINGS else Hdf5Frames(path)
