"""Base class of readers of other formats, which give a tag as arrays."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.frames.base import FrameFile, Rows
from roilab.frames.slices import spread
from roilab.frames.tag_info import ArrayType
from roilab.types import Range


@dataclass(frozen=True)
class TagArrays:
    """One tag of one event.

    Attributes:
        samples: shape (channel, tick), or (channel, slice) where ``rebin`` is above 1; may be a
            memory map, of which only parts are read.
        channels: channel id of every row of ``samples``.
        tick_ns: length of a tick [ns].
        start_ns: start time of the frame [ns].
        first_tick: tick of the frame in column 0.
        rebin: ticks of a sample, which is their mean.
    """

    samples: NDArray[Any]
    channels: NDArray[Any]
    tick_ns: float
    start_ns: float = 0.0
    first_tick: int = 0
    rebin: int = 1


class ArrayFrames(FrameFile):
    """Frames of a format of the user: a class with ``events``, ``list_tags`` and ``read_tag``.

    ``data.reader`` names it; ``path`` is the file, or the folder where a folder is one "file". The
    arrays are checked like those of any frame file.
    """

    may_hold_slices = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._read: tuple[tuple[int, str], TagArrays] | None = None

    @abstractmethod
    def list_tags(self, event: int) -> list[str]:
        """Return the tags of an event, each with its APA number at the end (``loose_lf1``)."""

    @abstractmethod
    def read_tag(self, event: int, tag: str) -> TagArrays:
        """Return the arrays of a tag."""

    def close(self) -> None:
        """Close the file; override it where the class keeps one open."""

    def _list_tags(self, event: int) -> list[str]:
        return self.list_tags(event)

    def _arrays(self, event: int, tag: str) -> TagArrays:
        """Return the arrays of a tag; the last one is kept."""
        key = (event, tag)
        if self._read is None or self._read[0] != key:
            self._read = (key, self.read_tag(event, tag))
        return self._read[1]

    def _array_type(self, event: int, tag: str, kind: str) -> ArrayType:
        array = self._load(event, tag, kind)
        rebin = self._rebin(event, tag)
        if kind == "frame" and array.ndim == 2 and rebin > 1:
            return ArrayType((array.shape[0], array.shape[1] * rebin), array.dtype)
        return ArrayType(array.shape, array.dtype)

    def _load(self, event: int, tag: str, kind: str) -> NDArray[Any]:
        arrays = self._arrays(event, tag)
        if kind == "frame":
            return arrays.samples
        if kind == "channels":
            return np.asarray(arrays.channels)
        return np.array([arrays.start_ns, arrays.tick_ns, arrays.first_tick], dtype=np.float64)

    def _rebin(self, event: int, tag: str) -> int:
        return self._arrays(event, tag).rebin

    def _is_channel_first(self, event: int, tag: str, ids: NDArray[Any]) -> bool:
        return True

    def _read_rows(self, event: int, tag: str, rows: Rows, columns: Range) -> NDArray[Any]:
        arrays = self._arrays(event, tag)
        if arrays.rebin > 1:
            return spread(arrays.samples[rows], arrays.rebin, columns)
        return np.array(arrays.samples[rows, slice(*columns)])

    def _blocks(self, event: int, tag: str) -> Iterator[NDArray[Any]]:
        yield self._arrays(event, tag).samples
