"""Sets of time intervals on many channels at once.

ROI finding is bookkeeping of intervals; done interval by interval in Python it would take minutes
an event. Here all intervals of a plane are three arrays, sorted by row and time and disjoint
within a row, so that numpy handles them together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Intervals:
    """Intervals [begin, end], both ends included.

    Attributes:
        row: channel row of each, shape (interval,), not decreasing.
        begin: first tick. end: last tick.
        shape: rows and ticks of the frame they lie in.
    """

    row: Ints
    begin: Ints
    end: Ints
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def runs(cls, mask: Mask) -> "Intervals":
        """The runs of ones of a mask (row, tick)."""
        padded = np.zeros((mask.shape[0], mask.shape[1] + 2), dtype=np.int8)
        padded[:, 1:-1] = mask
        steps = np.diff(padded, axis=1)
        row, begin = np.nonzero(steps == 1)
        end = np.nonzero(steps == -1)[1] - 1
        return cls(row, begin, end, mask.shape)

    @classmethod
    def union(cls, row: Ints, begin: Ints, end: Ints, shape: tuple[int, int]) -> "Intervals":
        """Intervals in any order; those that overlap or touch become one."""
        return cls.runs(paint(row, begin, end, shape))

    def select(self, keep: Mask) -> "Intervals":
        """The intervals marked in ``keep``."""
        return Intervals(self.row[keep], self.begin[keep], self.end[keep], self.shape)

    def mask(self) -> Mask:
        """The intervals as a mask (row, tick)."""
        return paint(self.row, self.begin, self.end, self.shape)

    def touched_by(self, mask: Mask) -> Mask:
        """Which intervals hold at least one tick of a mask (row, tick)."""
        count = np.zeros((self.shape[0], self.shape[1] + 1), dtype=np.int32)
        np.cumsum(mask, axis=1, out=count[:, 1:])
        return np.asarray(count[self.row, self.end + 1] > count[self.row, self.begin])

    def neighbours(self, other: "Intervals | None" = None) -> tuple[Ints, Ints]:
        """Pairs of intervals that overlap in time on adjacent rows.

        Args:
            other: intervals of the next row; by default these themselves.

        Returns:
            Numbers of the intervals on row r and, in ``other``, on row r + 1.
        """
        return self._pairs(other or self, 1)

    def overlaps(self, other: "Intervals") -> tuple[Ints, Ints]:
        """Pairs of intervals, of these and of others, that overlap on one row."""
        return self._pairs(other, 0)

    def _pairs(self, other: "Intervals", step: int) -> tuple[Ints, Ints]:
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


def paint(row: Ints, begin: Ints, end: Ints, shape: tuple[int, int]) -> Mask:
    """A mask (row, tick) that is true within intervals, which may overlap."""
    steps = np.zeros((shape[0], shape[1] + 1), dtype=np.int32)
    np.add.at(steps, (row, begin), 1)
    np.add.at(steps, (row, end + 1), -1)
    return np.asarray(np.cumsum(steps, axis=1)[:, :-1] > 0)


def clusters_with(number: int, pairs: tuple[Ints, Ints], good: Mask) -> Mask:
    """Which of ``number`` items are linked, over any number of steps, to a good one."""
    ones = np.ones(len(pairs[0]), dtype=np.int8)
    graph = coo_matrix((ones, pairs), shape=(number, number))
    count, label = connected_components(graph, directed=False)
    found = np.zeros(count, dtype=bool)
    found[label[good]] = True
    return np.asarray(found[label])


def linked_to(pairs: tuple[Ints, Ints], good: Mask) -> Mask:
    """Which items are good or directly linked to a good one."""
    found = good.copy()
    found[pairs[0][good[pairs[1]]]] = True
    found[pairs[1][good[pairs[0]]]] = True
    return found
