"""The classical ROI finder: from deconvolved frames to regions, and to charge inside them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.simulate.intervals import Intervals, linked_to
from roilab.simulate.noise import robust_rms
from roilab.simulate.roi_formation import SeedSettings, combine, find_loose, find_tight
from roilab.simulate.roi_refinement import RefineSettings, refine

Frame = NDArray[np.float32]
_COLLECTION = 2


@dataclass(frozen=True)
class Candidates:
    """Candidates of one plane, before refinement.

    Attributes:
        tight: short ones.
        all: short and long ones; the multi-plane coincidence uses them.
        peak: largest charge [electrons per tick] within each of all, above its ends' line.
        rms: noise of every channel, (channel,).
    """

    tight: Intervals
    all: Intervals
    peak: NDArray[np.float64]
    rms: Frame


@dataclass(frozen=True)
class RoiFinder:
    """Settings of the classical ROI finder.

    Attributes:
        noise_cut: samples above this many times the noise are no noise.
        seeds: search for candidates.
        refinement: from candidates to regions.
    """

    noise_cut: float
    seeds: SeedSettings
    refinement: RefineSettings

    def candidates(self, frames: dict[str, Frame], plane_index: int) -> Candidates:
        """Find the candidates of a plane.

        Args:
            frames: deconvolved frames by name, each (channel, tick).
            plane_index: 0 U, 1 V, 2 W.
        """
        rms = robust_rms(frames["tight_lf"], self.noise_cut)
        cores = (frames["tight_lf"], frames["tighter_lf"])
        tight = find_tight(cores, rms, self.seeds.tight_sigma[plane_index], self.seeds.pad)
        held = peaks(tight, frames["refine"])
        tight = tight.select(held > self.refinement.sigma * rms[tight.row])
        found = tight
        if plane_index != _COLLECTION:
            loose_rms = robust_rms(frames["loose_lf"], self.noise_cut)
            found = combine(find_loose(frames["loose_lf"], loose_rms, self.seeds), tight)
        return Candidates(tight, found, peaks(found, frames["refine"]), rms)

    def regions(
        self, candidates: Candidates, frames: dict[str, Frame], plane_index: int
    ) -> Intervals:
        """Refine the candidates of a plane.

        Args:
            candidates: what to refine.
            frames: deconvolved frames by name, each (channel, tick).
            plane_index: 0 U, 1 V, 2 W.
        """
        if plane_index == _COLLECTION:
            good = candidates.peak > self.refinement.weak_peak
            return candidates.all.select(linked_to(candidates.all.neighbours(), good))
        return refine(
            candidates.all, candidates.tight, frames["refine"], candidates.rms, self.refinement
        )


def peaks(intervals: Intervals, frame: Frame) -> NDArray[np.float64]:
    """Largest sample of every interval above the straight line between its ends."""
    if not len(intervals):
        return np.empty(0)
    length = intervals.end - intervals.begin + 1
    first = np.cumsum(length) - length
    owner = np.repeat(np.arange(len(intervals)), length)
    step = np.arange(len(owner)) - first[owner]
    row = intervals.row[owner]
    low, high = frame[intervals.row, intervals.begin], frame[intervals.row, intervals.end]
    line = low[owner] + (high - low)[owner] * step / np.maximum(length - 1, 1)[owner]
    return np.maximum.reduceat(frame[row, intervals.begin[owner] + step] - line, first)


def charge_inside(regions: Intervals, frame: Frame, level: bool) -> Frame:
    """The charge inside regions, zero outside.

    Args:
        regions: on one channel they may share an end.
        frame: deconvolved charge, (channel, tick).
        level: subtract in each region the straight line between its ends (induction planes).

    Returns:
        Whole, not negative electrons, (channel, tick), as the toolkit saves them.
    """
    inside = np.zeros_like(frame)
    if not len(regions):
        return inside
    length = regions.end - regions.begin + 1
    owner = np.repeat(np.arange(len(regions)), length)
    step = np.arange(len(owner)) - (np.cumsum(length) - length)[owner]
    row, tick = regions.row[owner], regions.begin[owner] + step
    samples = frame[row, tick].astype(np.float64)
    if level:
        low, high = frame[regions.row, regions.begin], frame[regions.row, regions.end]
        samples -= low[owner] + (high - low)[owner] * step / np.maximum(length - 1, 1)[owner]
    inside[row, tick] = np.maximum(np.trunc(samples), 0)
    return inside
