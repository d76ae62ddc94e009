"""Multi-plane coincidence: which wires cross ROIs of the other planes at the same time?

All planes see the same ionisation at the same time, on wires that cross. In every time slice the
ROIs of two planes are projected, crossing by crossing, onto the third plane:

* ``mp2``: wires of the third plane that pass such a crossing;
* ``mp3``: those of them that have a ROI themselves, and a slice between two such slices of a ROI.

The toolkit's counterparts are ``MP2ROI`` and ``MP3ROI`` of ``ROI_refinement``. Details that a
network sees are kept:

* a run of n slices covers ``10 n + 1`` ticks (both ends included), and in frames the value is 4000,
  which the network's input scale turns into 1;
* wires are endless lines: they also cross above, below and beside the plane, and such a crossing
  marks a wire if there is one of that number;
* not the middles of wires cross, but the edges half a pitch before them;
* all faces of the APA count. On the face without charge wires cross ROIs that are noise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector, crossing_points
from roilab.simulate.faces import Face, find_faces
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
        slices = -(-detector.nticks // self.slice_ticks)
        masks = {}
        for target in planes:
            shape = (detector.planes[target].channels, slices)
            mp2, mp3 = np.zeros((2, *shape), dtype=bool)
            own = rois[target].all.select(rois[target].peak >= self.weak)
            for face in find_faces(detector):
                crossed = self._find_crossed_wires(target, rois, detector, face)
                hit = self._find_wires(own, face.rows[target], slices)
                _add_wires(mp2, crossed, face.rows[target])
                _add_wires(mp3, crossed & hit, face.rows[target])
            mp3 |= self._find_gaps(mp3, own)
            masks[target] = self._to_ticks(mp2, detector), self._to_ticks(mp3, detector)
        return masks

    def _find_wires(self, rois: Intervals, rows: IntArray, slices: int) -> Mask:
        """Return the wires (wire, slice) whose channels have a ROI; rows are their channels."""
        begin, end = rois.begin // self.slice_ticks, rois.end // self.slice_ticks
        return np.asarray(fill_mask(rois.row, begin, end, (rois.shape[0], slices))[rows])

    def _find_crossed_wires(
        self, target: int, rois: Mapping[int, CandidateRois], detector: Detector, face: Face
    ) -> Mask:
        """Return the wires (wire, slice) of a plane that pass a crossing of the others' ROIs."""
        one, two = (other for other in range(3) if other != target)
        slices, number = -(-detector.nticks // self.slice_ticks), len(face.rows[target])
        wires = []
        for other in (one, two):
            # The toolkit treats the planes one after the other: it has not cleaned up the ROIs of
            # a later plane when it looks at them.
            early = other > target
            found = rois[other].loose if early else rois[other].all
            peak = rois[other].loose_peak if early else rois[other].peak
            strong = found.select(peak >= self.strong)
            wires.append(self._find_wires(strong, face.rows[other], slices).T)
        crossing = _find_crossings(detector, one, two, target, face, self.reach)
        crossed = np.zeros((slices, number + 2 * self.reach + 1), dtype=bool)
        for at in np.flatnonzero(wires[0].any(axis=1) & wires[1].any(axis=1)):
            crossed[at, crossing[np.ix_(wires[0][at], wires[1][at])]] = True
        marked = crossed[:, :number].copy()
        for shift in range(1, 2 * self.reach + 1):
            marked |= crossed[:, shift : shift + number]
        return marked.T

    def _find_gaps(self, marked: Mask, rois: Intervals) -> Mask:
        """Return the slices (channel, slice) of ROIs between two marked slices of the same ROI."""
        begin, end = rois.begin // self.slice_ticks + 1, rois.end // self.slice_ticks - 1
        some = begin <= end
        inner = fill_mask(rois.row[some], begin[some], end[some], marked.shape)
        inner[:, 1:-1] &= marked[:, :-2] & marked[:, 2:]
        return inner

    def _to_ticks(self, slices: Mask, detector: Detector) -> Mask:
        """Map (channel, slice) to (channel, tick), every run one tick longer than its slices."""
        mask = np.repeat(slices, self.slice_ticks, axis=1)[:, : detector.nticks]
        after = mask[:, self.slice_ticks :: self.slice_ticks]  # first ticks of the next slices
        np.logical_or(after, slices[:, :-1], out=after)
        return mask


def _add_wires(channels: Mask, wires: Mask, rows: IntArray) -> None:
    """Mark (channel, slice) where a wire of the channel is marked; rows are their channels."""
    for first in range(0, len(rows), len(channels)):  # within these wires each channel occurs once
        part = slice(first, first + len(channels))
        channels[rows[part]] |= wires[part]


@lru_cache(maxsize=6)  # the same in every event; three planes, two faces
def _find_crossings(
    detector: Detector, one: int, two: int, target: int, face: Face, reach: int
) -> IntArray:
    """Return where a plane is crossed by the wires of two others, shape (wire, wire).

    It is the wire plus ``reach``, because crossings so far beyond the first and the last wire
    still mark some, or one more than the largest of these numbers where nothing is marked.
    """
    planes, up = detector.planes, [1 if face.ascends(plane) else -1 for plane in detector.planes]
    edges = [
        np.asarray(np.arange(len(face.rows[plane])) - 0.5 * up[plane], dtype=np.float64)
        for plane in (one, two)
    ]
    rows, columns = edges[0][:, None], edges[1][None, :]
    nowhere = len(face.rows[target]) + 2 * reach
    crossing: NDArray[Any] = np.empty((len(rows), columns.shape[1]), dtype=np.int32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):  # planes of 5600 wires have 31 million
        part = slice(first, first + _ROWS_AT_ONCE)
        y, z = crossing_points(planes[one], rows[part], planes[two], columns)
        # A wire's strip reaches half a pitch to both sides; its lower edge belongs to it.
        strip = np.floor(up[target] * planes[target].wire_number(y, z) + 0.5)
        place = up[target] * strip + reach
        crossing[part] = np.where((place >= 0) & (place < nowhere), place, nowhere)
    return crossing
