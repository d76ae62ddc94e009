"""Multi-plane coincidence: which wires cross ROIs of the other planes at the same time?

All planes see the same ionisation at the same time, on wires that cross. In every time slice the
ROIs of two planes are projected, crossing by crossing, onto the third plane:

* ``mp2``: wires of the third plane that pass such a crossing;
* ``mp3``: those of them that have a ROI themselves.

The toolkit's counterparts are ``MP2ROI`` and ``MP3ROI`` of ``ROI_refinement``. Two details that a
network sees are kept: a run of n slices covers ``10 n + 1`` ticks (both ends included), and in
frames the value is 4000, which the network's input scale turns into 1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector, crossing_points
from roilab.simulate.intervals import Intervals, fill_mask
from roilab.simulate.roi import CandidateRois
from roilab.types import IntArray, Mask

MASK_VALUE = 4000.0
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Coincidence:
    """Settings of ``conf/simulation/coincidence/slices.yaml``, which documents every key."""

    slice_ticks: int
    strong: float
    weak: float
    reach: int

    def __call__(
        self,
        rois: Mapping[int, CandidateRois],
        detector: Detector,
        planes: Iterable[int] = range(3),
    ) -> dict[int, tuple[Mask, Mask]]:
        """Return the masks mp2 and mp3 (channel, tick) of planes, from the candidates of all.

        Planes are numbered: 0 U, 1 V, 2 W.
        """
        masks = {}
        for target in planes:
            plane, own = detector.planes[target], rois[target]
            crossed = self._find_crossed_wires(target, rois, detector)
            hit = self._find_wires(own.all, own.peak > self.weak, target, detector)
            mp2, mp3 = (plane.fold(w.astype(np.float32)) > 0 for w in (crossed, crossed & hit))
            masks[target] = self._to_ticks(mp2, detector), self._to_ticks(mp3, detector)
        return masks

    def _find_wires(self, rois: Intervals, keep: Mask, index: int, detector: Detector) -> Mask:
        """Return the wires (wire, slice) of a plane whose channel has one of the ROIs to keep."""
        plane, kept = detector.planes[index], rois.select(keep)
        begin, end = kept.begin // self.slice_ticks, kept.end // self.slice_ticks
        shape = (kept.shape[0], -(-detector.nticks // self.slice_ticks))
        channels = fill_mask(kept.row, begin, end, shape)
        return np.asarray(channels[np.arange(plane.wires) % plane.channels])

    def _find_crossed_wires(
        self, target: int, rois: Mapping[int, CandidateRois], detector: Detector
    ) -> Mask:
        """Return the wires (wire, slice) of a plane that pass a crossing of the others' ROIs."""
        one, two = (other for other in range(3) if other != target)
        wires = []
        for other in (one, two):
            # The toolkit treats the planes one after the other: it has not cleaned up the ROIs of
            # a later plane when it looks at them.
            early = other > target
            found = rois[other].loose if early else rois[other].all
            peak = rois[other].loose_peak if early else rois[other].peak
            wires.append(self._find_wires(found, peak > self.strong, other, detector).T)
        crossing = _find_crossings(detector, one, two, target)
        slices, number = len(wires[0]), detector.planes[target].wires
        # The last column takes crossings beyond the plane's wires.
        crossed = np.zeros((slices, number + 1), dtype=bool)
        for at_one, at_two, found in zip(*wires, crossed, strict=True):
            found[crossing[np.ix_(at_one, at_two)]] = True
        padded = np.pad(crossed[:, :-1], ((0, 0), (self.reach, self.reach)))
        shifts = [padded[:, shift : shift + number] for shift in range(2 * self.reach + 1)]
        return np.asarray(np.any(shifts, axis=0)).T

    def _to_ticks(self, slices: Mask, detector: Detector) -> Mask:
        """Map (channel, slice) to (channel, tick), every run one tick longer than its slices."""
        mask = np.repeat(slices, self.slice_ticks, axis=1)[:, : detector.nticks]
        mask[:, 1:] |= mask[:, :-1].copy()
        return mask


@lru_cache(maxsize=3)  # the same in every event
def _find_crossings(detector: Detector, one: int, two: int, target: int) -> IntArray:
    """Return the wire of a plane at every crossing of the wires of two others, (wire, wire).

    It is -1 where the wires cross outside of the plane.
    """
    planes, plane = detector.planes, detector.planes[target]
    rows = np.arange(planes[one].wires, dtype=float)[:, None]
    columns = np.arange(planes[two].wires, dtype=float)[None, :]
    crossing: NDArray[Any] = np.empty((planes[one].wires, planes[two].wires), dtype=np.int32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):  # planes of 5600 wires have 31 million
        part = slice(first, first + _ROWS_AT_ONCE)
        y, z = crossing_points(planes[one], rows[part], planes[two], columns)
        wire = np.rint(plane.wire_number(y, z)).astype(np.int32)
        exists = detector.inside(y, z) & (wire >= 0) & (wire < plane.wires)
        crossing[part] = np.where(exists, wire, np.int32(-1))
    return crossing
