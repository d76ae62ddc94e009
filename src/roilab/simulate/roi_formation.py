"""Formation of regions of interest (ROIs): tight and loose candidates.

Tight ROIs stand out of the frames with strong low cuts: short signals. Loose ROIs are found in the
frame with the loose low cut, summed over several ticks: long signals, extended down their slopes.
Both follow the toolkit's ``ROI_formation``.
"""

from dataclasses import dataclass

import numpy as np

from roilab.simulate.intervals import Intervals, find_connected, pad_mask
from roilab.types import Frame, IntArray


@dataclass(frozen=True)
class FormationSettings:
    """Settings ``formation`` of ``conf/simulation/roi/classical.yaml``, which documents them."""

    tight_sigma: tuple[float, float, float]
    pad: int
    rebin: int
    loose_sigma: float
    loose_shoulder: float
    loose_top: float
    loose_reach: int
    loose_slack: float


def find_tight_rois(
    frames: tuple[Frame, ...], rms: Frame, threshold_sigma: float, pad: int
) -> Intervals:
    """Find the tight ROIs of a plane, ``pad`` ticks longer on both sides.

    A tick counts if any frame (channel, tick) is above ``threshold_sigma`` times ``rms``, the
    noise of the rows of the first frame.
    """
    threshold = threshold_sigma * rms[:, None] + 1
    mask = pad_mask(np.any([frame > threshold for frame in frames], axis=0), pad)
    # A channel between two channels with signal has signal too.
    mask[1:-1] |= mask[:-2] & mask[2:]
    return Intervals.from_mask(mask)


def find_loose_rois(frame: Frame, rms: Frame, settings: FormationSettings) -> Intervals:
    """Find the loose ROIs in a frame (channel, tick) of an induction plane, ``rms`` its noise."""
    rebin = settings.rebin
    bins = frame.shape[1] // rebin
    total = frame[:, : bins * rebin].reshape(len(frame), bins, rebin).sum(axis=2)
    threshold = np.minimum(rms * rebin * settings.loose_sigma, settings.loose_top)[:, None]
    left, right = _find_feet(total, settings.loose_slack)
    tall = _find_tall_peaks(total, threshold, settings.loose_shoulder, left, right)
    small = _find_small_peaks(total, threshold, settings, left, right)
    row, begin, end = (np.concatenate(pair) for pair in zip(tall, small, strict=True))
    last = np.minimum(end * rebin + rebin - 1, frame.shape[1] - 1)
    return Intervals.merge(row, begin * rebin, last, frame.shape)


def _find_feet(total: Frame, slack: float) -> tuple[IntArray, IntArray]:
    """Return the feet of each bin's slopes, to the left and to the right, each (row, bin).

    A slope continues while the average of three bins, one or two bins further, is below the
    average here plus the slack.
    """

    def find_left_foot(total: Frame) -> IntArray:
        padded = np.pad(total, ((0, 0), (1, 1)), mode="edge")
        smooth = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
        falls = np.zeros(smooth.shape, dtype=bool)
        falls[:, 1:] = smooth[:, :-1] < smooth[:, 1:] + slack
        falls[:, 2:] |= smooth[:, :-2] < smooth[:, 2:] + slack
        foot = np.where(falls, 0, np.arange(smooth.shape[1]))
        return np.asarray(np.maximum.accumulate(foot, axis=1))

    last = total.shape[1] - 1
    return find_left_foot(total), last - find_left_foot(total[:, ::-1])[:, ::-1]


def _find_tall_peaks(
    total: Frame, threshold: Frame, shoulder: float, left: IntArray, right: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Find runs above the shoulder that reach the threshold: row, left foot and right foot."""
    runs = Intervals.from_mask(total > shoulder * threshold)
    runs = runs.select(runs.contains_any(total > threshold))
    last = total.shape[1] - 1
    begin = left[runs.row, np.maximum(runs.begin - 1, 0)]
    end = right[runs.row, np.minimum(runs.end + 1, last)]
    return runs.row, begin, end


def _find_small_peaks(
    total: Frame, threshold: Frame, settings: FormationSettings, left: IntArray, right: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Find peaks below the threshold that stand out clearly: row, left foot and right foot."""
    middle = total[:, 1:-1]
    peak = (middle > total[:, :-2]) & (middle > total[:, 2:]) & (middle <= threshold)
    row, column = np.nonzero(peak)
    column = column + 1
    begin, end = left[row, column - 1], right[row, column + 1]
    height = total[row, column]
    limit = threshold[row, 0]
    prominent = 2 * height - total[row, begin] - total[row, end] > 2 * limit
    reach = settings.loose_reach
    near_left = total[row, np.maximum(column - reach, begin)]
    near_right = total[row, np.minimum(column + reach, end)]
    drop = settings.loose_shoulder * limit
    sharp = (height - near_left > drop) & (height - near_right > drop)
    keep = prominent | sharp
    return row[keep], begin[keep], end[keep]


def extend_to_tight(loose: Intervals, tight: Intervals) -> Intervals:
    """Extend loose ROIs that end in a tight one to the end of that one."""
    number = _number_ticks(tight)
    begin, end = loose.begin.copy(), loose.end.copy()
    at_begin, at_end = number[loose.row, begin], number[loose.row, end]
    begin[at_begin >= 0] = tight.begin[at_begin[at_begin >= 0]]
    end[at_end >= 0] = tight.end[at_end[at_end >= 0]]
    return Intervals.merge(loose.row, begin, end, loose.shape)


def combine_rois(loose: Intervals, tight: Intervals) -> Intervals:
    """Combine loose and tight ROIs to the candidates for refinement.

    Loose ROIs are kept if they, or loose ROIs connected to them over neighbouring channels, contain
    a tight one. Tight ROIs outside of these are added.
    """
    has_tight = loose.contains_any(tight.to_mask())
    kept = loose.select(find_connected(len(loose), loose.find_neighbours(), has_tight))
    alone = tight.select(~tight.contains_any(kept.to_mask()))
    row, begin, end = (
        np.concatenate([getattr(kept, name), getattr(alone, name)])
        for name in ("row", "begin", "end")
    )
    order = np.lexsort((begin, row))
    return Intervals(row[order], begin[order], end[order], loose.shape)


def _number_ticks(intervals: Intervals) -> IntArray:
    """Return the number of the interval at every (row, tick), -1 where there is none."""
    starts = np.zeros(intervals.shape, dtype=np.int64)
    starts[intervals.row, intervals.begin] = 1
    count = np.cumsum(starts.ravel()).reshape(intervals.shape) - 1
    return np.where(intervals.to_mask(), count, -1)
