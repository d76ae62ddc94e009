"""The classical ROI finder: from deconvolved frames to ROIs and the charge inside them."""

from dataclasses import dataclass

import numpy as np

from roilab.simulate.intervals import Intervals, IntervalSamples, find_linked
from roilab.simulate.noise import estimate_rms
from roilab.simulate.roi_formation import (
    FormationSettings,
    combine_rois,
    find_loose_rois,
    find_tight_rois,
)
from roilab.simulate.roi_refinement import RefinementSettings, refine_rois
from roilab.simulate.signal_processing import COLLECTION_PLANE
from roilab.types import FloatArray, Frame


@dataclass(frozen=True)
class CandidateRois:
    """ROIs of one plane before refinement."""

    tight: Intervals
    all: Intervals  # tight and loose ROIs; the multi-plane coincidence uses them
    peak: FloatArray  # of each of ``all`` above the line through its ends [electrons per tick]
    rms: Frame  # noise of every channel, (channel,)


@dataclass(frozen=True)
class RoiFinder:
    """Settings of ``conf/simulation/roi/classical.yaml``, which documents every key."""

    noise_cut: float
    formation: FormationSettings
    refinement: RefinementSettings

    def find_candidates(self, frames: dict[str, Frame], plane_index: int) -> CandidateRois:
        """Find the candidates in the deconvolved frames (channel, tick) of U, V or W, by name."""
        rms = estimate_rms(frames["tight_lf"], self.noise_cut)
        settings, tight_frames = self.formation, (frames["tight_lf"], frames["tighter_lf"])
        tight = find_tight_rois(tight_frames, rms, settings.tight_sigma[plane_index], settings.pad)
        peak = measure_peaks(tight, frames["refine"])
        tight = tight.select(peak > self.refinement.sigma * rms[tight.row])
        rois = tight
        if plane_index != COLLECTION_PLANE:
            loose_rms = estimate_rms(frames["loose_lf"], self.noise_cut)
            rois = combine_rois(find_loose_rois(frames["loose_lf"], loose_rms, settings), tight)
        return CandidateRois(tight, rois, measure_peaks(rois, frames["refine"]), rms)

    def refine(
        self, candidates: CandidateRois, frames: dict[str, Frame], plane_index: int
    ) -> Intervals:
        """Refine the candidates of U, V or W with its deconvolved frames (channel, tick)."""
        rois = candidates.all
        if plane_index == COLLECTION_PLANE:
            strong = candidates.peak > self.refinement.weak_peak
            return rois.select(find_linked(rois.find_neighbours(), strong))
        return refine_rois(
            rois, candidates.tight, frames["refine"], candidates.rms, self.refinement
        )


def measure_peaks(rois: Intervals, frame: Frame) -> FloatArray:
    """Return the largest sample of each ROI above the line through its ends, shape (roi,)."""
    samples = IntervalSamples(rois, frame)
    samples.subtract_baseline()
    return samples.find_peaks()


def apply_rois(rois: Intervals, frame: Frame, subtract_baseline: bool) -> Frame:
    """Keep the charge (channel, tick) inside ROIs, which may share an end on one channel.

    On induction planes the line through the ends of each ROI is subtracted. Charge is rounded
    down to integer electrons, 0 where negative and outside the ROIs, as the toolkit saves it.
    """
    samples = IntervalSamples(rois, frame)
    if subtract_baseline:
        samples.subtract_baseline()
    charge = np.zeros_like(frame)
    charge[samples.row, samples.tick] = np.maximum(np.trunc(samples.values), 0)
    return charge
