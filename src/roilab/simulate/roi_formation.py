"""First look for regions of interest: tight and loose candidates.

Tight candidates are what stands out of the frames with strong low cuts: short signals. Loose ones
are found in the frame with the loose low cut, summed over several ticks: long signals, drawn out
to where they sink into their surroundings. Both follow the toolkit's ``ROI_formation``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.simulate.intervals import Intervals, Mask, clusters_with, paint
from roilab.simulate.noise import widen

Frame = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SeedSettings:
    """Thresholds of the candidate search.

    Attributes:
        tight_sigma: tight threshold of U, V and W in units of the channel's noise.
        pad: ticks added on either side of a tight candidate.
        rebin: ticks summed for the loose search.
        loose_sigma: loose threshold in units of the noise of the sum, as if the ticks' noise
            were fully correlated.
        loose_shoulder: part of it that the flanks have to reach.
        loose_top: upper limit of the loose threshold [electrons].
        loose_reach: summed bins within which a small bump has to fall off by the shoulder.
        loose_slack: the flank may rise by this much [electrons] and still count as falling.
    """

    tight_sigma: tuple[float, float, float]
    pad: int
    rebin: int
    loose_sigma: float
    loose_shoulder: float
    loose_top: float
    loose_reach: int
    loose_slack: float


def find_tight(
    frames: tuple[Frame, ...], rms: Frame, threshold_sigma: float, pad: int
) -> Intervals:
    """Tight candidates of a plane.

    Args:
        frames: frames in which a tick may stand out, each (channel, tick).
        rms: noise of the first frame's rows.
        threshold_sigma: threshold in units of it.
        pad: ticks added on either side.
    """
    threshold = threshold_sigma * rms[:, None] + 1
    mask = np.any([frame > threshold for frame in frames], axis=0)
    mask = widen(mask, pad)
    # A channel between two that see the same signal sees it too.
    mask[1:-1] |= mask[:-2] & mask[2:]
    return Intervals.runs(mask)


def find_loose(frame: Frame, rms: Frame, settings: SeedSettings) -> Intervals:
    """Loose candidates of an induction plane.

    Args:
        frame: with the loose low cut, (channel, tick).
        rms: noise of its rows.
        settings: thresholds.
    """
    rebin = settings.rebin
    bins = frame.shape[1] // rebin
    total = frame[:, : bins * rebin].reshape(len(frame), bins, rebin).sum(axis=2)
    threshold = np.minimum(rms * rebin * settings.loose_sigma, settings.loose_top)[:, None]
    left, right = _flanks(total, settings.loose_slack)
    tall = _tall(total, threshold, settings.loose_shoulder, left, right)
    bumps = _bumps(total, threshold, settings, left, right)
    row, begin, end = (np.concatenate(pair) for pair in zip(tall, bumps, strict=True))
    return Intervals.union(
        row, begin * rebin, np.minimum(end * rebin + rebin - 1, frame.shape[1] - 1), frame.shape
    )


def _flanks(total: Frame, slack: float) -> tuple[Ints, Ints]:
    """Foot of the slope on which every bin stands: to the left and to the right, (row, bin).

    A slope goes on while the average of three bins, one or two bins further, is below that here
    by more than minus the slack.
    """

    def foot(ahead: Frame) -> Ints:
        padded = np.pad(ahead, ((0, 0), (1, 1)), mode="edge")
        smooth = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
        falls = np.zeros(smooth.shape, dtype=bool)
        falls[:, 1:] = smooth[:, :-1] < smooth[:, 1:] + slack
        falls[:, 2:] |= smooth[:, :-2] < smooth[:, 2:] + slack
        here = np.where(falls, 0, np.arange(smooth.shape[1]))
        return np.asarray(np.maximum.accumulate(here, axis=1))

    last = total.shape[1] - 1
    return foot(total), last - foot(total[:, ::-1])[:, ::-1]


def _tall(
    total: Frame, threshold: Frame, shoulder: float, left: Ints, right: Ints
) -> tuple[Ints, Ints, Ints]:
    """Runs above the shoulder that reach the threshold, drawn out to their feet."""
    runs = Intervals.runs(total > shoulder * threshold)
    runs = runs.select(runs.touched_by(total > threshold))
    last = total.shape[1] - 1
    begin = left[runs.row, np.maximum(runs.begin - 1, 0)]
    end = right[runs.row, np.minimum(runs.end + 1, last)]
    return runs.row, begin, end


def _bumps(
    total: Frame, threshold: Frame, settings: SeedSettings, left: Ints, right: Ints
) -> tuple[Ints, Ints, Ints]:
    """Local maxima below the threshold that stand clearly above their surroundings."""
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


def combine(loose: Intervals, tight: Intervals) -> Intervals:
    """Candidates for refinement: loose ones with a tight core, and tight ones by themselves.

    A loose candidate whose end lies in a tight one is drawn out to that one's end. Loose
    candidates stay if they, or those they are linked to over neighbouring channels, hold a tight
    one. Tight ones outside are added.
    """
    number = _numbered(tight)
    begin, end = loose.begin.copy(), loose.end.copy()
    at_begin, at_end = number[loose.row, begin], number[loose.row, end]
    begin[at_begin >= 0] = tight.begin[at_begin[at_begin >= 0]]
    end[at_end >= 0] = tight.end[at_end[at_end >= 0]]
    grown = Intervals.union(loose.row, begin, end, loose.shape)
    kept = grown.select(
        clusters_with(len(grown), grown.neighbours(), grown.touched_by(tight.mask()))
    )
    alone = tight.select(~tight.touched_by(kept.mask()))
    row = np.concatenate([kept.row, alone.row])
    order = np.lexsort((np.concatenate([kept.begin, alone.begin]), row))
    return Intervals(
        row[order],
        np.concatenate([kept.begin, alone.begin])[order],
        np.concatenate([kept.end, alone.end])[order],
        loose.shape,
    )


def _numbered(intervals: Intervals) -> Ints:
    """Number of the interval at every (row, tick), -1 where there is none."""
    shape = intervals.shape
    mask: Mask = paint(intervals.row, intervals.begin, intervals.end, shape)
    starts = np.zeros(shape, dtype=np.int64)
    starts[intervals.row, intervals.begin] = 1
    count = np.cumsum(starts.ravel()).reshape(shape) - 1
    return np.where(mask, count, -1)
