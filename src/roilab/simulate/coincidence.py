"""Coincidence of wire planes: does a wire cross the regions of the other planes at that time?

Ionisation seen by one plane is seen by all, at the same time and on wires that cross. In every
slice of time the regions of two planes are projected, crossing by crossing, onto the third:

* ``mp2``: the wires of the third plane that pass a crossing;
* ``mp3``: those of them that have a region themselves.

The toolkit's counterparts are ``MP2ROI`` and ``MP3ROI`` of ``ROI_refinement``. Its quirks that a
network sees are kept: a run of slices covers ``10 n + 1`` ticks, both ends included, and the value
is 4000, so that the network's input scale makes it 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector, crossing_points
from roilab.simulate.roi import Candidates

Frame = NDArray[np.float32]
Mask = NDArray[np.bool_]

MARK = 4000.0


@dataclass(frozen=True)
class Coincidence:
    """Settings of the coincidence.

    Attributes:
        slice_ticks: ticks of a slice.
        strong: peak [electrons per tick] that a region of the two other planes needs.
        weak: peak that a region of the plane itself needs in mp3.
        reach: wires on either side of a crossing that it marks.
    """

    slice_ticks: int
    strong: float
    weak: float
    reach: int

    def __call__(
        self, rois: tuple[Candidates, Candidates, Candidates], detector: Detector
    ) -> list[tuple[Frame, Frame]]:
        """Frames mp2 and mp3 of U, V and W, each (channel, tick).

        Args:
            rois: candidate regions of the planes.
            detector: geometry and clock.
        """
        strong = [self._occupied(roi, self.strong, detector.nticks) for roi in rois]
        weak = [self._occupied(roi, self.weak, detector.nticks) for roi in rois]
        frames = []
        for target in range(3):
            others = [plane for plane in range(3) if plane != target]
            wires = self._crossed(target, others, strong, detector)
            mp2 = self._fold(wires, target, detector)
            mp3 = self._fold(
                wires & self._per_wire(weak[target], target, detector), target, detector
            )
            frames.append((self._draw(mp2, detector.nticks), self._draw(mp3, detector.nticks)))
        return frames

    def _occupied(self, rois: Candidates, least: float, ticks: int) -> Mask:
        """Which (channel, slice) a region with enough charge touches."""
        chosen = rois.all.select(rois.peak > least)
        rows, slices = chosen.shape[0], -(-ticks // self.slice_ticks)
        steps = np.zeros((rows, slices + 1), dtype=np.int32)
        np.add.at(steps, (chosen.row, chosen.begin // self.slice_ticks), 1)
        np.add.at(steps, (chosen.row, chosen.end // self.slice_ticks + 1), -1)
        return np.asarray(np.cumsum(steps, axis=1)[:, :-1] > 0)

    def _per_wire(self, occupied: Mask, plane: int, detector: Detector) -> Mask:
        """(channel, slice) to (wire, slice): every wire of a channel may be meant."""
        wire_plane = detector.planes[plane]
        return np.asarray(occupied[np.arange(wire_plane.wires) % wire_plane.channels])

    def _fold(self, wires: Mask, plane: int, detector: Detector) -> Mask:
        """(wire, slice) to (channel, slice)."""
        return detector.planes[plane].fold(wires.astype(np.float32)) > 0

    def _crossed(
        self, target: int, others: list[int], occupied: list[Mask], detector: Detector
    ) -> Mask:
        """Which (wire, slice) of a plane pass a crossing of the others' regions."""
        first, second = (detector.planes[plane] for plane in others)
        plane = detector.planes[target]
        a, b = (self._per_wire(occupied[other], other, detector) for other in others)
        found = np.zeros((plane.wires + 2 * self.reach + 1, a.shape[1]), dtype=bool)
        for time in range(a.shape[1]):
            ours, theirs = np.flatnonzero(a[:, time]), np.flatnonzero(b[:, time])
            if not (len(ours) and len(theirs)):
                continue
            y, z = crossing_points(
                first, ours[:, None].astype(float), second, theirs[None, :].astype(float)
            )
            wire = np.rint(plane.wire_number(y, z)[detector.inside(y, z)]).astype(np.int64)
            # One spare row takes what crosses beyond the plane's wires.
            wire = np.where((wire >= 0) & (wire < plane.wires), wire, plane.wires + self.reach)
            for shift in range(-self.reach, self.reach + 1):
                found[np.where(wire < plane.wires, wire + shift + self.reach, -1), time] = True
        return found[self.reach : self.reach + plane.wires]

    def _draw(self, slices: Mask, ticks: int) -> Frame:
        """Slices as ticks, each run one tick longer than its slices."""
        mask = np.repeat(slices, self.slice_ticks, axis=1)[:, :ticks]
        mask[:, 1:] |= mask[:, :-1].copy()
        return np.where(mask, np.float32(MARK), np.float32(0))
