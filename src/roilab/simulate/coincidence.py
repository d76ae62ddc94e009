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
    """Settings of ``conf/simulation/coincidence/slices.yaml``, which documents every key."""

    slice_ticks: int
    strong: float
    weak: float
    reach: int

    def __call__(
        self, rois: Sequence[CandidateRois], detector: Detector
    ) -> list[tuple[Frame, Frame]]:
        """Return the frames mp2 and mp3 (channel, tick) of U, V and W from their candidates."""
        strong = [self._find_wires(rois[p], p, self.strong, detector) for p in range(3)]
        frames = []
        for target, plane in enumerate(detector.planes):
            crossed = self._find_crossed_wires(target, strong, detector)
            own = self._find_wires(rois[target], target, self.weak, detector)
            mp2, mp3 = (plane.fold(w.astype(np.float32)) > 0 for w in (crossed, crossed & own))
            frames.append((self._to_frame(mp2, detector), self._to_frame(mp3, detector)))
        return frames

    def _find_wires(
        self, rois: CandidateRois, index: int, min_peak: float, detector: Detector
    ) -> Mask:
        """Return the wires (wire, slice) of a plane whose channel has a ROI of enough charge."""
        plane, kept = detector.planes[index], rois.all.select(rois.peak > min_peak)
        begin, end = kept.begin // self.slice_ticks, kept.end // self.slice_ticks
        shape = (kept.shape[0], -(-detector.nticks // self.slice_ticks))
        channels = fill_mask(kept.row, begin, end, shape)
        return np.asarray(channels[np.arange(plane.wires) % plane.channels])

    def _find_crossed_wires(self, target: int, wires: Sequence[Mask], detector: Detector) -> Mask:
        """Return the wires (wire, slice) of a plane that pass a crossing of the others' ROIs."""
        plane = detector.planes[target]
        one, two = (other for other in range(3) if other != target)
        # The last row takes crossings beyond the plane's wires.
        slices = wires[one].shape[1]
        crossed = np.zeros((plane.wires + 2 * self.reach + 1, slices), dtype=bool)
        for time in range(slices):
            wires_one = np.flatnonzero(wires[one][:, time]).astype(float)[:, None]
            wires_two = np.flatnonzero(wires[two][:, time]).astype(float)[None, :]
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
