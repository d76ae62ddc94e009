"""Sets of time intervals on many channels.

All intervals of a plane are three arrays, sorted by row and time, so that numpy handles them
together; a loop over intervals in Python would take minutes for an event.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from roilab.types import FloatArray, Frame, IntArray, Mask

Pairs = tuple[IntArray, IntArray]


@dataclass(frozen=True)
class Intervals:
    """Intervals [begin, end], both ends included, sorted by row and time."""

    row: IntArray  # channel row, shape (interval,), not decreasing
    begin: IntArray  # first tick, shape (interval,)
    end: IntArray  # last tick, shape (interval,)
    shape: tuple[int, int]  # rows and ticks of the frame

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def from_mask(cls, mask: Mask) -> "Intervals":
        """Find the runs of a mask (row, tick)."""
        rows, ticks = mask.shape
        # Rows laid end to end, with a false sample after each, make one time axis.
        line = np.zeros((rows, ticks + 1), dtype=bool)
        line[:, :-1] = mask
        steps = np.flatnonzero(np.diff(line.ravel(), prepend=False))
        row, begin = np.divmod(steps[::2], ticks + 1)
        return cls(row, begin, steps[1::2] % (ticks + 1) - 1, mask.shape)

    @classmethod
    def merge(
        cls, row: IntArray, begin: IntArray, end: IntArray, shape: tuple[int, int]
    ) -> "Intervals":
        """Sort intervals and merge those that overlap or touch."""
        return cls.from_mask(fill_mask(row, begin, end, shape))

    def select(self, keep: Mask) -> "Intervals":
        """Return the intervals where ``keep`` is true."""
        return Intervals(self.row[keep], self.begin[keep], self.end[keep], self.shape)

    def to_mask(self) -> Mask:
        """Return a mask (row, tick) that is true within the intervals."""
        return fill_mask(self.row, self.begin, self.end, self.shape)

    def contains_any(self, mask: Mask) -> Mask:
        """Tell for each interval whether it contains a tick of a mask (row, tick)."""
        first, _ = self.find_ends(mask)
        return np.asarray(first <= self.end)

    def find_ends(self, mask: Mask) -> tuple[IntArray, IntArray]:
        """Return the first and the last tick of a mask (row, tick) in each interval.

        An interval without one gets a first tick after its end, and a last one before its begin.
        """
        offset = self.row * self.shape[1]
        true = np.concatenate([[-1], np.flatnonzero(mask), [mask.size]])
        first = true[np.searchsorted(true, offset + self.begin, side="left")]
        last = true[np.searchsorted(true, offset + self.end, side="right") - 1]
        return first - offset, last - offset

    def find_neighbours(self) -> Pairs:
        """Find pairs of intervals that overlap in time on adjacent rows r and r + 1."""
        return self._find_pairs(self, 1)

    def find_overlaps(self, other: "Intervals") -> Pairs:
        """Find pairs of these and other intervals that overlap on the same row."""
        return self._find_pairs(other, 0)

    def _find_pairs(self, other: "Intervals", step: int) -> Pairs:
        # Rows laid end to end make one time axis on which both sets are sorted.
        ticks = self.shape[1] + 1
        begins, ends = other.row * ticks + other.begin, other.row * ticks + other.end
        base = (self.row + step) * ticks
        low = np.searchsorted(ends, base + self.begin, side="left")
        high = np.searchsorted(begins, base + self.end, side="right")
        count = np.maximum(high - low, 0)
        first = np.repeat(np.arange(len(self)), count)
        inside = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        return first, np.repeat(low, count) + inside


class IntervalSamples:
    """Samples of a frame (row, tick) inside intervals, joined into one array."""

    def __init__(self, intervals: Intervals, frame: Frame) -> None:
        length = intervals.end - intervals.begin + 1
        # Indices of each interval's first and last sample, shape (interval,).
        self.first: IntArray = np.cumsum(length) - length
        self.last: IntArray = self.first + length - 1
        # Interval, row, tick and value of each sample, shape (sample,).
        self.owner: IntArray = np.repeat(np.arange(len(intervals)), length)
        self._step = np.arange(len(self.owner)) - self.first[self.owner]
        self.row: IntArray = intervals.row[self.owner]
        self.tick: IntArray = intervals.begin[self.owner] + self._step
        self.values: FloatArray = frame[self.row, self.tick].astype(np.float64)

    def subtract_baseline(self) -> None:
        """Subtract in each interval the straight line through its first and last sample."""
        low, high = (self.values[ends].astype(np.float32) for ends in (self.first, self.last))
        steps = np.maximum(self.last - self.first, 1)[self.owner]
        self.values -= low[self.owner] + (high - low)[self.owner] * self._step / steps

    def find_peaks(self) -> FloatArray:
        """Return the largest sample of each interval, shape (interval,)."""
        return np.maximum.reduceat(self.values, self.first) if len(self.first) else np.empty(0)


def fill_mask(row: IntArray, begin: IntArray, end: IntArray, shape: tuple[int, int]) -> Mask:
    """Return a mask (row, tick) that is true within intervals, which may overlap."""
    size = shape[0] * shape[1]
    start, stop = row * shape[1] + begin, row * shape[1] + end + 1
    order = np.argsort(start, kind="stable")
    # Cut from each interval what an earlier one covers: what remains does not overlap.
    stop = np.maximum.accumulate(np.concatenate([[0], stop[order]]))
    edges = np.empty(2 * len(order) + 2, dtype=np.int64)
    edges[0], edges[-1] = 0, size
    edges[1:-1:2], edges[2:-1:2] = np.maximum(start[order], stop[:-1]), stop[1:]
    inside = np.arange(len(edges) - 1) % 2 == 1
    return np.repeat(inside, np.diff(edges)).reshape(shape)


def pad_mask(mask: Mask, pad: int) -> Mask:
    """Extend every run of a mask (row, tick) by ``pad`` ticks on both sides."""
    runs = Intervals.from_mask(mask)
    begin, end = np.maximum(runs.begin - pad, 0), np.minimum(runs.end + pad, mask.shape[1] - 1)
    return fill_mask(runs.row, begin, end, mask.shape)


def find_connected(number: int, pairs: Pairs, good: Mask) -> Mask:
    """Tell which of ``number`` items are linked to a good one, over any number of links."""
    ones = np.ones(len(pairs[0]), dtype=np.int8)
    graph = coo_matrix((ones, pairs), shape=(number, number))
    count, label = connected_components(graph, directed=False)
    has_good = np.zeros(count, dtype=bool)
    has_good[label[good]] = True
    return np.asarray(has_good[label])


def find_linked(pairs: Pairs, good: Mask) -> Mask:
    """Tell which items are good, or linked to a good one by one link."""
    linked = good.copy()
    linked[pairs[0][good[pairs[1]]]] = True
    linked[pairs[1][good[pairs[0]]]] = True
    return linked
