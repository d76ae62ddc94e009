"""Read HDF5 frame files of WCT's ``HDF5FrameTap``.

Layout: ``/<event>/frame_<tag>``, ``/<event>/channels_<tag>``, ``/<event>/tickinfo_<tag>``; of its
first version ``/frame_<tag>_<event>``, ..., with frames stored as (tick, channel).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from roilab.frames.base import FrameFile, Rows
from roilab.frames.errors import FrameFileError
from roilab.frames.hdf5_objects import check_readable, find_object
from roilab.frames.names import event_number, shown
from roilab.frames.regular_file import check_regular_file
from roilab.frames.tag_info import ArrayType
from roilab.types import Range

_FRAME = "frame_"
_FLAT = re.compile(r"frame_(?P<tag>.*)_(?P<event>[^_]+)", re.S)
_BAND_BYTES = 1 << 24


@dataclass
class _Place:
    """Where an event is: names of its groups, and tags of it at the top of the file."""

    groups: list[str] = field(default_factory=list)
    flat_tags: list[str] = field(default_factory=list)


class Hdf5Frames(FrameFile):
    """One HDF5 frame file, opened read-only and without locking (shared disks may forbid locks).

    Raises:
        FrameFileError: the file is absent, not HDF5, or truncated.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        check_regular_file(path)
        try:
            self._file = h5py.File(path, "r", locking=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise FrameFileError(
                f"{path}: cannot be opened as HDF5 ({error}). Expected a complete HDF5 frame file; "
                "it is of another format, truncated, or not readable: make or copy it again."
            ) from error
        self._places: dict[int, _Place] = {}
        self._sets: dict[tuple[int, str, str], h5py.Dataset] = {}
        try:
            with self._raise_damaged(f"{path}: the list of events"):
                for name in self._file:
                    self._add(name)
        except FrameFileError:
            self._file.close()
            raise

    def _add(self, name: str) -> None:
        """Put a name at the top of the file into the list of events."""
        event, flat = event_number(name), _FLAT.fullmatch(name)
        if event is not None:
            self._places.setdefault(event, _Place()).groups.append(name)
        elif flat is not None:
            event = event_number(flat["event"])
            if event is None:
                raise FrameFileError(
                    f"{self.path}: the name of '{shown(name)}' ends in no event number; expected "
                    "frame_TAG_EVENT, or a group of that event. Rename it."
                )
            self._places.setdefault(event, _Place()).flat_tags.append(flat["tag"])
        elif isinstance(self._file.get(name, getlink=True), h5py.HardLink):
            group = self._file[name]
            if isinstance(group, h5py.Group) and any(n.startswith(_FRAME) for n in group):
                raise FrameFileError(
                    f"{self.path}: the group '{shown(name)}' holds frames, but its name is no "
                    "event number; expected an integer. Rename it."
                )

    @cached_property
    def _events(self) -> tuple[int, ...]:
        return tuple(sorted(self._places))

    @property
    def events(self) -> tuple[int, ...]:  # noqa: D102 - described in FrameFile
        return self._events

    def _group(self, event: int) -> tuple[h5py.Group, str]:
        """Return the group of an event, and what follows the tag in its names."""
        place, where = self._places[event], f"{self.path}: event {event}"
        if len(place.groups) + bool(place.flat_tags) > 1:
            raise FrameFileError(
                f"{where} is in the file more than once (groups {', '.join(place.groups)}"
                f"{', and data sets at the top' if place.flat_tags else ''}); expected it once. "
                "Write the file again."
            )
        if place.flat_tags:
            return self._file, f"_{event}"
        group = find_object(self._file, place.groups[0], where)
        if not isinstance(group, h5py.Group):
            raise FrameFileError(
                f"{where}: '/{place.groups[0]}' is no group; expected a group of data sets. Write "
                "the file again."
            )
        return group, ""

    def _list_tags(self, event: int) -> Iterable[str]:
        group, ending = self._group(event)
        if ending:
            return self._places[event].flat_tags
        return [name.removeprefix(_FRAME) for name in group if name.startswith(_FRAME)]

    def _set(self, event: int, tag: str, kind: str) -> h5py.Dataset:
        """Return a data set whose samples can be read."""
        key = (event, tag, kind)
        if next(iter(self._sets), key)[0] != event:
            self._sets.clear()  # memory does not grow with the number of events
        if key not in self._sets:
            group, ending = self._group(event)
            name, where = f"{kind}_{tag}{ending}", self.where(event, tag)
            found = find_object(group, name, where)
            if not isinstance(found, h5py.Dataset):
                reason = "is absent" if found is None else "is no data set"
                raise FrameFileError(
                    f"{where}: '{shown(name)}' {reason}. "
                    "Write the file again with WCT's HDF5FrameTap or roilab."
                )
            check_readable(found, where)
            self._sets[key] = found
        return self._sets[key]

    def _array_type(self, event: int, tag: str, kind: str) -> ArrayType:
        data = self._set(event, tag, kind)
        return ArrayType(data.shape, data.dtype)

    def _load(self, event: int, tag: str, kind: str) -> NDArray[Any]:
        return np.asarray(self._set(event, tag, kind)[...])

    def _order(self, event: int, tag: str) -> bool | None:
        # The first version of the tap always wrote (tick, channel), also where that is square.
        order = super()._order(event, tag)
        return False if order is None and self._places[event].flat_tags else order

    def _read_rows(self, event: int, tag: str, rows: Rows, columns: Range) -> NDArray[Any]:
        data, info = self._set(event, tag, "frame"), self.info(event, tag)
        wanted = np.arange(len(info.channels))[rows]
        if len(wanted) == 0 or columns[0] >= columns[1]:
            return np.empty((len(wanted), max(0, columns[1] - columns[0])), data.dtype)

        def band(first: int, last: int) -> NDArray[Any]:
            if info.channel_first:
                return np.asarray(data[first:last, slice(*columns)])
            return np.asarray(data[slice(*columns), first:last].T)

        first, last = int(wanted[0]), int(wanted[-1]) + 1
        if last - first == len(wanted):
            return band(first, last)
        # Rows with gaps: HDF5 is slow on lists of rows, so bands are read and rows chosen.
        samples = np.empty((len(wanted), columns[1] - columns[0]), data.dtype)
        height = max(1, _BAND_BYTES // (samples.shape[1] * data.dtype.itemsize))
        for top in range(first, last, height):
            low, high = np.searchsorted(wanted, (top, top + height))
            if high > low:
                samples[low:high] = band(top, min(top + height, last))[wanted[low:high] - top]
        return samples

    def _blocks(self, event: int, tag: str) -> Iterator[NDArray[Any]]:
        data = self._set(event, tag, "frame")
        rows, columns = data.shape
        height, width = data.chunks or (1, max(1, columns))
        # Entire chunks, as many as fit: part of a chunk costs as much as all of it.
        while width < columns and 2 * height * width * data.dtype.itemsize <= _BAND_BYTES:
            width *= 2
        while height < rows and 2 * height * width * data.dtype.itemsize <= _BAND_BYTES:
            height *= 2
        for row in range(0, rows, height):
            for column in range(0, columns, width):
                yield np.asarray(data[row : row + height, column : column + width])

    def others(self) -> tuple[str, ...]:  # noqa: D102
        flat = re.compile(r"(frame|channels|tickinfo)_.*_[^_]+", re.S)
        names = [n for n in self._file if event_number(n) is None and not flat.fullmatch(n)]
        for event, place in self._places.items():
            for name in () if place.flat_tags else self._group(event)[0]:
                if not name.startswith((_FRAME, "channels_", "tickinfo_")):
                    names.append(f"{event}/{name}")
        return tuple(names)

    def close(self) -> None:  # noqa: D102
        self._file.close()
