"""Interface of frame files, the same for every container."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarError
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from roilab.frames.errors import FrameFileError, MissingTagError

Rows = slice | NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class TagInfo:
    """Channels and ticks of one tag of an event."""

    channels: NDArray[np.int64]  # channel id of every row, shape (row,)
    start_ns: float  # start time of the frame [ns]
    tick_ns: float  # length of a tick [ns]
    tbin: int  # tick of the frame in column 0
    n_columns: int  # number of stored ticks
    dtype: np.dtype[Any]  # sample type in the file
    channel_first: bool  # stored as (channel, tick), else as (tick, channel)


class FrameFile(ABC):
    """A frame file, opened read-only; samples are read by ``read_rows`` only.

    Use it as a context manager. Events are integers, tags end in the APA number (``loose_lf1``).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._infos: dict[tuple[int, str], TagInfo] = {}

    @property
    @abstractmethod
    def events(self) -> tuple[int, ...]:
        """Return the event ids, ascending."""

    @abstractmethod
    def tags(self, event: int) -> tuple[str, ...]:
        """Return the tags of an event, in alphabetical order."""

    @abstractmethod
    def _read_info(self, event: int, tag: str) -> TagInfo: ...

    @abstractmethod
    def _read_rows(self, event: int, tag: str, rows: Rows) -> NDArray[Any]: ...

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def info(self, event: int, tag: str) -> TagInfo:
        """Return channels and ticks of one tag.

        Raises:
            MissingTagError: the event has no such tag; the message lists those it has.
            FrameFileError: the tag's channel list or tick information is absent or damaged.
        """
        key = (event, tag)
        if next(iter(self._infos), key)[0] != event:
            self._infos.clear()  # memory does not grow with the number of events
        if key not in self._infos:
            present = self.tags(event)
            if tag not in present:
                raise MissingTagError(
                    f"{self.path}: event {event} has no tag '{tag}'; it has "
                    f"{', '.join(present) or 'none'}. Name one of these."
                )
            with self._raise_damaged(event, tag):
                self._infos[key] = self._read_info(event, tag)
        return self._infos[key]

    def read_rows(self, event: int, tag: str, rows: Rows) -> NDArray[Any]:
        """Read only these rows (a slice or ascending numbers) of a tag with its APA number.

        Returns:
            Array of shape (row, column) = (channel, tick) in the file's sample type; files that
            store (tick, channel) are transposed.

        Raises:
            FrameFileError: the file is truncated or its data cannot be decompressed.
        """
        self.info(event, tag)
        with self._raise_damaged(event, tag):
            return self._read_rows(event, tag, rows)

    @contextmanager
    def _raise_damaged(self, event: int, tag: str) -> Iterator[None]:
        """Raise FrameFileError for what the file libraries raise on a damaged file."""
        try:
            yield
        except (OSError, EOFError, ValueError, TarError, BadZipFile, zlib.error) as error:
            raise FrameFileError(
                f"{self.path}: event {event}, tag '{tag}' cannot be read ({error}); expected a "
                "complete file. It is truncated or damaged: make or copy it again."
            ) from error


def tag_info(
    where: str, channels: NDArray[Any], tickinfo: NDArray[Any], shape: tuple[int, ...], dtype: Any
) -> TagInfo:
    """Check that the three arrays of a tag fit together; ``where`` begins the error messages.

    Samples are stored as (channel, tick) in today's files, as (tick, channel) in older ones; the
    length of the channel list decides.

    Raises:
        FrameFileError: the arrays do not fit together.
    """
    if len(shape) != 2 or len(channels) not in shape:
        raise FrameFileError(
            f"{where}: frame of shape {shape} against {len(channels)} channels; expected a "
            "two-dimensional frame with one row (or column) a channel. Write the file again."
        )
    if tickinfo.size != 3:
        raise FrameFileError(
            f"{where}: tickinfo holds {tickinfo.size} numbers; expected 3 (start time, tick, "
            "first tick). Write the file again."
        )
    channel_first = shape[0] == len(channels)
    start_ns, tick_ns, tbin = (float(value) for value in np.ravel(tickinfo))
    return TagInfo(
        channels=np.asarray(channels, dtype=np.int64),
        start_ns=start_ns,
        tick_ns=tick_ns,
        tbin=round(tbin),
        n_columns=shape[1] if channel_first else shape[0],
        dtype=dtype,
        channel_first=channel_first,
    )
