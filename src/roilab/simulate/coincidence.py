"""Multi-plane coincidence: which wires cross ROIs of the other planes at the same time?

All planes see the same ionisation at the same time, on wires that cross. In every time slice the
ROIs of two planes are projected, crossing by crossing, onto the third plane:

* ``mp2``: wires of the third plane that pass such a crossing;
* ``mp3``: those of them that have a ROI themselves.

The toolkit's counterparts are ``MP2ROI`` and ``MP3ROI`` of ``ROI_refinement``. Two details that a
network sees are kept: a run of n slices covers ``10 n + 1`` ticks (both ends included), and the
value is 4000, which the network's input scale turns into 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector, crossing_points
from roilab.simulate.intervals import fill_mask
from roilab.simulate.roi import CandidateRois
from roilab.types import Frame, Mask

MASK_VALUE = 4000.0


@dataclass(frozen=True)
class Coincidence:
    """Settings of the coincidence.

    Attributes:
        slice_ticks: ticks of a slice.
        strong: smallest peak [electrons per tick] of a ROI in the two other planes.
        weak: smallest peak of a ROI in the plane itself for mp3.
        reach: wires marked on both sides of a crossing.
    """

    slice_ticks: int
    strong: float
    weak: float
    reach: int

    def __call__(
        self, rois: Sequence[CandidateRois], detector: Detector
    ) -> list[tuple[Frame, Frame]]:
        """Return the frames mp2 and mp3 of U, V and W, each (channel, tick).

        Args:
            rois: candidates of U, V and W.
            detector: geometry and clock.
        """
        strong = [self._find_slices(roi, self.strong, detector) for roi in rois]
        weak = [self._find_slices(roi, self.weak, detector) for roi in rois]
        frames = []
        for target in range(3):
            wires = self._find_crossed_wires(target, strong, detector)
            mp2 = self._to_channels(wires, target, detector)
            own = self._to_wires(weak[target], target, detector)
            mp3 = self._to_channels(wires & own, target, detector)
            frames.append((self._to_frame(mp2, detector), self._to_frame(mp3, detector)))
        return frames

    def _find_slices(self, rois: CandidateRois, min_peak: float, detector: Detector) -> Mask:
        """Return the slices (channel, slice) with a ROI of enough charge."""
        kept = rois.all.select(rois.peak > min_peak)
        begin, end = kept.begin // self.slice_ticks, kept.end // self.slice_ticks
        return fill_mask(
            kept.row, begin, end, (kept.shape[0], -(-detector.nticks // self.slice_ticks))
        )

    def _to_wires(self, channels: Mask, plane: int, detector: Detector) -> Mask:
        """Map (channel, slice) to (wire, slice): all wires of a channel."""
        wire_plane = detector.planes[plane]
        return np.asarray(channels[np.arange(wire_plane.wires) % wire_plane.channels])

    def _to_channels(self, wires: Mask, plane: int, detector: Detector) -> Mask:
        """Map (wire, slice) to (channel, slice): any wire of a channel."""
        return detector.planes[plane].fold(wires.astype(np.float32)) > 0

    def _find_crossed_wires(
        self, target: int, channels: Sequence[Mask], detector: Detector
    ) -> Mask:
        """Return the wires (wire, slice) of a plane that pass a crossing of the others' ROIs."""
        plane = detector.planes[target]
        one, two = (other for other in range(3) if other != target)
        ones = self._to_wires(channels[one], one, detector)
        twos = self._to_wires(channels[two], two, detector)
        # The last row takes crossings beyond the plane's wires.
        crossed = np.zeros((plane.wires + 2 * self.reach + 1, ones.shape[1]), dtype=bool)
        for time in range(ones.shape[1]):
            wires_one = np.flatnonzero(ones[:, time]).astype(float)[:, None]
            wires_two = np.flatnonzero(twos[:, time]).astype(float)[None, :]
            if not (wires_one.size and wires_two.size):
                continue
            y, z = crossing_points(detector.planes[one], wires_one, detector.planes[two], wires_two)
            wire = np.rint(plane.wire_number(y, z)[detector.inside(y, z)]).astype(np.int64)
            exists = (wire >= 0) & (wire < plane.wires)
            for shift in range(-self.reach, self.reach + 1):
                crossed[np.where(exists, wire + shift + self.reach, -1), time] = True
        return crossed[self.reach : self.reach + plane.wires]

    def _to_frame(self, slices: Mask, detector: Detector) -> Frame:
        """Map (channel, slice) to (channel, tick), every run one tick longer than its slices."""
        mask = np.repeat(slices, self.slice_ticks, axis=1)[:, : detector.nticks]
        mask[:, 1:] |= mask[:, :-1].copy()
        return np.where(mask, np.float32(MASK_VALUE), np.float32(0))
