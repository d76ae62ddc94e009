"""The classical ROI finder: from deconvolved frames to ROIs and the charge inside them."""

from dataclasses import dataclass

import numpy as np

from roilab.simulate.intervals import Intervals, IntervalSamples, find_linked
from roilab.simulate.noise import estimate_rms
from roilab.simulate.roi_formation import (
    FormationSettings,
    combine_rois,
    extend_to_tight,
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
    loose: Intervals  # loose ROIs before the clean-up; on the collection plane the tight ones
    all: Intervals  # loose ROIs after the clean-up, and tight ones outside of them
    # Peak of each of ``loose`` and ``all`` above the line through its ends [electrons per tick].
    loose_peak: FloatArray
    peak: FloatArray
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
        strong = peak > self.refinement.sigma * rms[tight.row]
        tight = tight.select(strong)
        if plane_index == COLLECTION_PLANE:
            peak = peak[strong]
            return CandidateRois(tight, tight, tight, peak, peak, rms)
        loose_rms = estimate_rms(frames["loose_lf"], self.noise_cut)
        loose = find_loose_rois(frames["loose_lf"], loose_rms, settings)
        loose = extend_to_tight(loose, tight)
        rois = combine_rois(loose, tight)
        loose_peak, peak = (measure_peaks(found, frames["refine"]) for found in (loose, rois))
        return CandidateRois(tight, loose, rois, loose_peak, peak, rms)

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
