"""Read, write and pair frame files of the Wire-Cell Toolkit (WCT)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roilab.building import TargetError, build
from roilab.frames.archive import TarFrames, ZipFrames
from roilab.frames.array_frames import ArrayFrames, TagArrays
from roilab.frames.base import FrameFile
from roilab.frames.errors import (
    BadChargeError,
    ChannelRangeError,
    EventMismatchError,
    FrameFileError,
    MissingTagError,
    RebinnedFileError,
    TickAxisError,
)
from roilab.frames.hdf5 import Hdf5Frames
from roilab.frames.magnify import MagnifyFrames
from roilab.frames.names import (
    ARCHIVE_ENDINGS,
    CONTAINERS,
    META_FILE,
    READABLE,
    ROOT_ENDINGS,
    SIMULATION_FILE,
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
    input_ticks,
    is_bad,
    read_plane,
)
from roilab.frames.spng import SpngFrames, holds_tensors
from roilab.frames.tag_info import TagInfo
from roilab.frames.tag_reader import TagReader, TruthTag
from roilab.frames.window import Window
from roilab.frames.writer import FrameWriter

__all__ = [
    "CONTAINERS",
    "META_FILE",
    "READABLE",
    "SIMULATION_FILE",
    "ArrayFrames",
    "BadChargeError",
    "ChannelRangeError",
    "EventMismatchError",
    "FilePair",
    "FrameFile",
    "FrameFileError",
    "FrameWriter",
    "MagnifyFrames",
    "MissingTagError",
    "RebinnedFileError",
    "SpngFrames",
    "TagArrays",
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
    "input_ticks",
    "is_bad",
    "match_events",
    "match_files",
    "open_frames",
    "open_with_clock",
    "read_plane",
    "shown",
    "shown_tags",
    "truth_beside",
    "truth_name",
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
    ending = ending_of(path.name)
    if ending in ZSTD_ENDINGS or ARCHIVE_ENDINGS.get(ending) is not None:
        return TarFrames(path)
    if ending in ROOT_ENDINGS:
        return MagnifyFrames(path)
    if ending in ARCHIVE_ENDINGS:
        return SpngFrames(path) if holds_tensors(path) else ZipFrames(path)
    return Hdf5Frames(path)


def open_with_clock(path: Path, tick_ns: float, start_ns: float) -> FrameFile:
    """Open a frame file, with this clock where it is a ROOT file, which has none (``data.reader``).

    Args:
        path: of the file.
        tick_ns: length of a tick [ns].
        start_ns: time of tick 0 [ns].

    Raises:
        FrameFileError: as ``open_frames``.
    """
    if ending_of(path.name) in ROOT_ENDINGS:
        return MagnifyFrames(path, tick_ns, start_ns)
    return open_frames(path)


def _open_with(reader: Mapping[str, Any], path: Path) -> FrameFile:
    try:
        frames = build("data.reader", reader, path=path)
    except TargetError as error:
        raise FrameFileError(f"{path}: {error}") from error
    if not isinstance(frames, FrameFile):
        raise FrameFileError(
            f"{path}: data.reader._target_={reader['_target_']} gives {type(frames).__name__}; "
            "expected a roilab.frames.FrameFile. Derive your class from roilab.frames.ArrayFrames."
        )
    return frames
