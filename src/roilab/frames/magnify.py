"""Read Magnify ROOT files of WCT's ``MagnifySink``, with uproot (``pip install roilab[root]``).

Layout: one two-dimensional histogram a plane and tag, ``hu_<tag>``, ``hv_<tag>``, ``hw_<tag>``;
x = channel, in bins of width 1 around the ids; y = tick, in bins of one or more ticks with the sum
of their samples. The tree ``Trun`` holds the event number (``eventNo``). One event a file.

Source: Wire-Cell Toolkit, root/src/MagnifySink.cxx.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.frames.base import FrameFile, Rows
from roilab.frames.errors import FrameFileError
from roilab.frames.magnify_axes import PlaneAxes, plane_axes
from roilab.frames.names import shown, shown_tags
from roilab.frames.regular_file import check_regular_file
from roilab.frames.slices import spread
from roilab.frames.tag_info import ArrayType
from roilab.types import Range

_NAME = re.compile(r"h(?P<plane>[uvw])_(?P<tag>.+)", re.S)
_RUN_TREE, _EVENT_NUMBER = "Trun", "eventNo"


@dataclass(frozen=True, eq=False)
class _Histogram:
    """One histogram as it was read."""

    axes: PlaneAxes
    values: NDArray[Any]  # (channel, bin), of the file's byte order, a view

    def samples(self, rows: NDArray[np.intp] | None = None) -> NDArray[Any]:
        """Return some rows, or all, (channel, bin); sums over ticks become their mean."""
        values = self.values if rows is None else self.values[rows]
        if self.axes.rebin > 1:
            values = values / self.axes.rebin
        return np.ascontiguousarray(values, dtype=self.axes.dtype)


class MagnifyFrames(FrameFile):
    """One Magnify ROOT file. The planes of a tag are joined; only planes in use are kept.

    The file has neither the length of a tick nor the time of tick 0. ``open_with_clock`` gives
    them where they matter: where the truth is in a file of another format.

    Args:
        path: of the file.
        tick_ns: length of a tick [ns].
        start_ns: time of tick 0 [ns].

    Raises:
        FrameFileError: the file is absent, no ROOT file, truncated, or holds no such histogram;
            or uproot is not installed.
    """

    may_hold_slices = True

    def __init__(self, path: Path, tick_ns: float = 500.0, start_ns: float = 0.0) -> None:
        super().__init__(path)
        self._tick_ns, self._start_ns = tick_ns, start_ns
        check_regular_file(path)
        self._axes: dict[str, list[PlaneAxes]] = {}
        self._last: _Histogram | None = None
        with ExitStack() as opening:
            self._root = _open_root(path, opening)
            with self._raise_damaged(f"{path}: the list of histograms"):
                self._keys = self._find_histograms()
            self._files = opening.pop_all()

    def _find_histograms(self) -> Mapping[str, Mapping[str, str]]:
        """Return the keys of the histograms, by tag and plane.

        A summary of a tag (TH1F) has the same name; of two histograms the later one counts.
        """
        classes: dict[str, str] = self._root.classnames(recursive=False, cycle=True)
        found: dict[str, dict[str, str]] = {}
        for key in sorted(classes, key=lambda key: int(key.rpartition(";")[2])):
            match = _NAME.fullmatch(key.rpartition(";")[0])
            if match and classes[key].startswith("TH2"):
                found.setdefault(match["tag"], {})[match["plane"]] = key
        if not found:
            there = [f"{key.rpartition(';')[0]} ({kind})" for key, kind in classes.items()]
            raise FrameFileError(
                f"{self.path}: holds no histogram hu_TAG, hv_TAG or hw_TAG of two dimensions, as "
                f"MagnifySink writes them; it has {shown_tags(sorted(there))}. Name a Magnify file."
            )
        return {tag: dict(sorted(planes.items())) for tag, planes in found.items()}

    @property
    def events(self) -> tuple[int, ...]:  # noqa: D102 - described in FrameFile
        return self._events

    @cached_property
    def _events(self) -> tuple[int, ...]:
        with self._raise_damaged(f"{self.path}: the event number in the tree {_RUN_TREE}"):
            trees = [k for k in self._root.keys(recursive=False, cycle=False) if k == _RUN_TREE]
            branches = self._root[_RUN_TREE].keys() if trees else []
            if _EVENT_NUMBER not in branches:
                return (0,)
            numbers = self._root[_RUN_TREE][_EVENT_NUMBER].array(library="np")
            return (int(numbers[0]),) if len(numbers) else (0,)

    def _list_tags(self, event: int) -> Iterable[str]:
        return self._keys

    def _read(self, key: str) -> _Histogram:
        """Return a histogram; the last one is kept."""
        if self._last is None or self._last.axes.key != key:
            self._last = None  # frees it before the next one is read
            histogram = self._root[key]
            values = histogram.values(flow=False)
            where = f"{self.path}: '{shown(key.rpartition(';')[0])}'"
            dtype = values.dtype.newbyteorder("=")
            self._last = _Histogram(plane_axes(where, key, histogram, dtype), values)
        return self._last

    def _planes(self, tag: str) -> list[PlaneAxes]:
        """Return the axes of the histograms of a tag, in the order U, V, W."""
        if tag not in self._axes:
            axes = [self._read(key).axes for key in self._keys[tag].values()]
            rebins = {one.rebin for one in axes}
            if len(rebins) > 1:
                raise FrameFileError(
                    f"{self.path}: tag '{shown(tag)}': its histograms have {sorted(rebins)} ticks "
                    "a bin; expected the same in all planes. Write the file again."
                )
            self._axes[tag] = axes
        return self._axes[tag]

    def _ticks(self, tag: str) -> Range:
        planes = self._planes(tag)
        return min(one.ticks[0] for one in planes), max(one.ticks[1] for one in planes)

    def _rebin(self, event: int, tag: str) -> int:
        return self._planes(tag)[0].rebin

    def _array_type(self, event: int, tag: str, kind: str) -> ArrayType:
        if kind == "tickinfo":
            return ArrayType((3,), np.dtype(np.float64))
        planes = self._planes(tag)
        rows = sum(one.n_channels for one in planes)
        if kind == "channels":
            return ArrayType((rows,), np.dtype(np.int64))
        begin, end = self._ticks(tag)
        return ArrayType((rows, end - begin), np.result_type(*(one.dtype for one in planes)))

    def _load(self, event: int, tag: str, kind: str) -> NDArray[Any]:
        if kind == "channels":
            return np.concatenate([one.channels for one in self._planes(tag)])
        return np.array([self._start_ns, self._tick_ns, self._ticks(tag)[0]])

    def _is_channel_first(self, event: int, tag: str, ids: NDArray[Any]) -> bool:
        return True

    def _read_rows(self, event: int, tag: str, rows: Rows, columns: Range) -> NDArray[Any]:
        info, planes = self.info(event, tag), self._planes(tag)
        wanted = np.arange(len(info.channels))[rows]
        result = np.zeros((len(wanted), max(0, columns[1] - columns[0])), info.dtype)
        first_row = 0
        for one in planes:
            low, high = np.searchsorted(wanted, (first_row, first_row + one.n_channels))
            shift = one.ticks[0] - info.tbin  # column where the plane starts
            begin = max(columns[0], shift)
            end = min(columns[1], shift + one.ticks[1] - one.ticks[0])
            if low < high and begin < end:
                samples = self._read(one.key).samples(wanted[low:high] - first_row)
                part = spread(samples, one.rebin, (begin - shift, end - shift))
                result[low:high, begin - columns[0] : end - columns[0]] = part
            first_row += one.n_channels
        return result

    def _blocks(self, event: int, tag: str) -> Iterator[NDArray[Any]]:
        for one in self._planes(tag):
            yield self._read(one.key).samples()

    def others(self) -> tuple[str, ...]:  # noqa: D102
        frames = {key for planes in self._keys.values() for key in planes.values()}
        keys = self._root.keys(recursive=False, cycle=True)
        return tuple(key.rpartition(";")[0] for key in keys if key not in frames)

    def close(self) -> None:  # noqa: D102
        self._files.close()


def _open_root(path: Path, opening: ExitStack) -> Any:
    """Open a ROOT file.

    Raises:
        FrameFileError: uproot is not installed, or this is no complete ROOT file.
    """
    try:
        import uproot
    except ImportError as error:
        raise FrameFileError(
            f"{path}: ROOT files are read with uproot, which is not installed ({error}). Install "
            "it: pip install 'roilab[root]'."
        ) from error
    try:
        # An open file: a name would be taken for an address, or split at a colon. No caches: they
        # would hold 100 histograms.
        file = opening.enter_context(path.open("rb"))
        return opening.enter_context(uproot.open(file, object_cache=None, array_cache=None))
    except Exception as error:  # uproot raises many types on a damaged file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FrameFileError(
            f"{path}: cannot be opened as ROOT ({reason[:300]}). Expected a complete Magnify file: "
            "make or copy it again."
        ) from error
