"""Interface of frame files, the same for every container."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from roilab.errors import RoilabError
from roilab.frames.errors import FrameFileError, MissingTagError
from roilab.frames.names import shown, shown_events, shown_tags
from roilab.frames.tag_info import ArrayType, TagInfo, check_arrays, tag_info
from roilab.types import Range

Rows = slice | NDArray[np.intp]


class FrameFile(ABC):
    """A frame file, opened read-only; samples are read by ``read_rows`` only.

    Use it as a context manager. Events are integers, tags end in the APA number (``loose_lf1``).
    """

    may_hold_slices = False  # whether a tag may have been rebinned before it was written

    def __init__(self, path: Path) -> None:
        self.path = path
        self._infos: dict[tuple[int, str], TagInfo] = {}
        self._tags: dict[int, tuple[str, ...]] = {}

    @property
    @abstractmethod
    def events(self) -> tuple[int, ...]:
        """Return the event ids, ascending."""

    @abstractmethod
    def _list_tags(self, event: int) -> Iterable[str]:
        """List the tags of an event that the file holds."""

    @abstractmethod
    def _array_type(self, event: int, tag: str, kind: str) -> ArrayType:
        """Return shape and type of ``frame``, ``channels`` or ``tickinfo`` of a tag."""

    @abstractmethod
    def _load(self, event: int, tag: str, kind: str) -> NDArray[Any]:
        """Read ``channels`` or ``tickinfo``."""

    @abstractmethod
    def _read_rows(self, event: int, tag: str, rows: Rows, columns: Range) -> NDArray[Any]:
        """Read a part of a frame, shape (row, column) = (channel, tick)."""

    @abstractmethod
    def _blocks(self, event: int, tag: str) -> Iterator[NDArray[Any]]:
        """Read all samples of a frame, part by part."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def summary(self, event: int, tag: str) -> NDArray[Any] | None:
        """Return the summary of a tag, a number for every row; ``None`` where it has none.

        Raises:
            FrameFileError: it is damaged.
        """
        return None

    def others(self) -> tuple[str, ...]:
        """Return the names of what the file holds besides frames."""
        return ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tags(self, event: int) -> tuple[str, ...]:
        """Return the tags of an event, in alphabetical order.

        Raises:
            FrameFileError: the file has no such event, or its entry is damaged.
        """
        if event not in self._tags:
            if event not in self.events:
                raise FrameFileError(
                    f"{self.path}: there is no event {event}; the file holds "
                    f"{shown_events(self.events)}. Name one of these."
                )
            with self._raise_damaged(f"{self.path}: event {event}"):
                self._tags[event] = tuple(sorted(self._list_tags(event)))
        return self._tags[event]

    @cached_property
    def all_tags(self) -> frozenset[str]:
        """The tags that any event has."""
        return frozenset(tag for event in self.events for tag in self.tags(event))

    def where(self, event: int, tag: str) -> str:
        """Return file, event and tag, as error messages begin."""
        return f"{self.path}: event {event}, tag '{shown(tag)}'"

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
                    f"{self.path}: event {event} has no tag '{shown(tag)}'; it has "
                    f"{shown_tags(present)}. Name one of these."
                )
            with self._raise_damaged(self.where(event, tag)):
                self._infos[key] = self._read_info(event, tag)
        return self._infos[key]

    def read_rows(
        self, event: int, tag: str, rows: Rows, columns: Range | None = None
    ) -> NDArray[Any]:
        """Read rows (a slice or ascending numbers) and columns of a tag with its APA number.

        ``columns`` is a half-open range; ``None`` for all.

        Returns:
            Array of shape (row, column) = (channel, tick) in the file's sample type; files that
            store (tick, channel) are transposed.

        Raises:
            FrameFileError: the file is truncated or its data cannot be decompressed.
        """
        info = self.info(event, tag)
        with self._raise_damaged(self.where(event, tag)):
            return self._read_rows(event, tag, rows, columns or (0, info.n_columns))

    def blocks(self, event: int, tag: str) -> Iterator[NDArray[Any]]:
        """Read all samples of a tag once, in parts of bounded size and in any order and shape.

        Raises:
            FrameFileError: the file is truncated or its data cannot be decompressed.
        """
        self.info(event, tag)
        with self._raise_damaged(self.where(event, tag)):
            yield from self._blocks(event, tag)

    def _read_info(self, event: int, tag: str) -> TagInfo:
        frame, channels, tickinfo = (
            self._array_type(event, tag, kind) for kind in ("frame", "channels", "tickinfo")
        )
        where = self.where(event, tag)
        check_arrays(where, frame, channels, tickinfo)
        ids, ticks = self._load(event, tag, "channels"), self._load(event, tag, "tickinfo")
        channel_first = self._is_channel_first(event, tag, ids)
        return tag_info(where, frame, ids, ticks, channel_first, self._rebin(event, tag))

    def _rebin(self, event: int, tag: str) -> int:
        """Return how many ticks a stored sample stands for; it is repeated for each of them."""
        return 1

    def _is_channel_first(self, event: int, tag: str, ids: NDArray[Any]) -> bool:
        """Return whether a frame is stored as (channel, tick).

        The length of the channel list decides. For a square frame, the other tags of the event or
        of the file do: all tags of a file are written by one program. If they do not, gaps in the
        channel ids do: programs that wrote (tick, channel) filled them.
        """
        order = self._order(event, tag)
        if order is not None:
            return order
        for other in (event, *(e for e in self.events if e != event)):
            orders = {self._order(other, name) for name in self.tags(other)} - {None}
            if len(orders) == 1:
                return bool(orders.pop())
            if orders:
                break
        else:
            if ids.max() - ids.min() >= len(ids):
                return True
        shape = self._array_type(event, tag, "frame").shape
        raise FrameFileError(
            f"{self.where(event, tag)}: frame of shape {shape}, as many channels as ticks; no "
            "other tag shows which axis is which. Add a tag with another number of ticks."
        )

    def _order(self, event: int, tag: str) -> bool | None:
        """Return whether a tag's shape is (channel, tick); ``None`` if it does not show that."""
        shape = self._array_type(event, tag, "frame").shape
        channels = self._array_type(event, tag, "channels").shape
        if shape is None or channels is None or len(shape) != 2 or len(channels) != 1:
            return None
        if shape[0] == shape[1] > 1 or channels[0] not in shape:
            return None
        return shape[0] == channels[0]

    @contextmanager
    def _raise_damaged(self, where: str) -> Iterator[None]:
        """Raise FrameFileError for what the file libraries raise on a damaged file."""
        try:
            yield
        except RoilabError:
            raise
        except Exception as error:  # the libraries raise many types, also KeyError, RuntimeError
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FrameFileError(
                f"{where} cannot be read ({reason[:300]}); expected a complete file. It is "
                "truncated or damaged: make or copy it again."
            ) from error
