"""Refining regions of interest on induction planes: break, shrink, clean, extend.

Deconvolved induction waveforms ride on slow noise. Within a candidate the baseline is therefore
taken as straight lines between the places where no signal is left; what stands up from it is the
signal. That is what loses the charge of prolonged tracks: a signal as long as the noise's own
period looks like baseline. The steps follow the toolkit's ``ROI_refinement``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from roilab.simulate.intervals import Intervals, Mask, clusters_with, linked_to

Frame = NDArray[np.float32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RefineSettings:
    """Thresholds of the refinement.

    Attributes:
        sigma: what exceeds this many times the channel's noise is signal.
        valley: electrons by which a valley lies below the peaks beside it to part them, at least.
        valley_sigma: the same in units of the channel's noise.
        loops: how often candidates are broken.
        pad: ticks kept around the signal when shrinking.
        weak_mean: average charge [electrons per tick] of which a region needs more,
        weak_peak: or this peak, or a neighbour that has them.
    """

    sigma: float
    valley: float
    valley_sigma: float
    loops: int
    pad: int
    weak_mean: float
    weak_peak: float


class _Contents:
    """The samples of many intervals laid end to end.

    Attributes:
        samples: shape (sample,). owner: interval of every sample. first: index of an interval's
            first sample.
    """

    def __init__(self, intervals: Intervals, frame: Frame) -> None:
        length = intervals.end - intervals.begin + 1
        self.first: Ints = np.cumsum(length) - length
        self.last: Ints = self.first + length - 1
        self.owner = np.repeat(np.arange(len(intervals)), length)
        tick = np.arange(len(self.owner)) - self.first[self.owner] + intervals.begin[self.owner]
        self.row, self.tick = intervals.row[self.owner], tick
        self.samples: Floats = frame[self.row, self.tick].astype(np.float64)

    def level(self, nodes: Ints) -> None:
        """Subtract straight lines between nodes; outside an interval's nodes nothing is left."""
        index = np.arange(len(self.samples))
        before = np.searchsorted(nodes, index, side="right") - 1
        after = np.minimum(np.searchsorted(nodes, index, side="left"), len(nodes) - 1)
        inside = (before >= 0) & (nodes[after] >= index)
        inside &= self.owner[nodes[before]] == self.owner[nodes[after]]
        inside &= self.owner[nodes[before]] == self.owner
        baseline = np.interp(index, nodes, self.samples[nodes])
        self.samples = np.where(inside, self.samples - baseline, 0.0)

    def feet(self, threshold: Floats) -> Ints:
        """The lowest sample of every run below threshold; runs end where the interval does."""
        below = self.samples < threshold
        changed = np.ones(len(below), dtype=bool)
        changed[1:] = (below[1:] != below[:-1]) | (self.owner[1:] != self.owner[:-1])
        run = np.cumsum(changed) - 1
        # A sample at 0 is where an earlier line ended: it is taken before any lower one.
        value = np.where(np.abs(self.samples) < 1e-3, -np.inf, self.samples)
        order = np.lexsort((value, run))
        lowest = order[np.flatnonzero(np.diff(run[order], prepend=-1))]
        return np.sort(lowest[below[lowest]])


def _break(
    intervals: Intervals, frame: Frame, rms: Frame, settings: RefineSettings
) -> tuple[Intervals, Frame]:
    """Part candidates at their valleys and take the baseline away.

    Args:
        intervals: candidates.
        frame: what they hold, (channel, tick).
        rms: noise of the channels.
        settings: thresholds.

    Returns:
        The parts, neighbours in time sharing an end, and the frame of what they hold.
    """
    contents = _Contents(intervals, frame)
    noise: Floats = rms[contents.row].astype(np.float64)
    ends = np.concatenate([contents.first, contents.last])
    contents.level(np.unique(ends))
    valleys = _valleys(contents, noise, settings)
    contents.level(np.unique(np.concatenate([ends, valleys])))
    for _ in range(2):
        nodes = contents.feet(settings.sigma * noise)
        if not len(nodes):
            return intervals.select(np.zeros(len(intervals), dtype=bool)), np.zeros_like(frame)
        contents.level(nodes)
    zeros = np.flatnonzero(np.abs(contents.samples) < 1e-3)
    same = (contents.owner[zeros[1:]] == contents.owner[zeros[:-1]]) & (np.diff(zeros) > 1)
    start, stop = zeros[:-1][same], zeros[1:][same]
    parts = Intervals(
        contents.row[start], contents.tick[start], contents.tick[stop], intervals.shape
    )
    held = np.zeros_like(frame)
    held[contents.row, contents.tick] = contents.samples
    return parts, held


def _valleys(contents: _Contents, noise: Floats, settings: RefineSettings) -> Ints:
    """Samples at the bottom of valleys that part two peaks."""
    depth = np.maximum(settings.valley, settings.valley_sigma * noise)
    # In units of the depth asked for, one prominence serves all channels. Walls between the
    # intervals keep a valley from being measured against peaks of the next interval.
    place = np.arange(len(contents.samples)) + contents.owner + 1
    relief = np.full(place[-1] + 2, np.inf)
    relief[place] = -contents.samples / depth
    # The walls themselves are left out first, by height: searching around them takes long.
    bottoms, _ = find_peaks(relief, height=(None, np.finfo(float).max), prominence=1.0)
    return np.asarray(np.searchsorted(place, bottoms))


def _links(parts: Intervals, held: Frame, rms: Frame, sigma: float) -> tuple[Ints, Ints]:
    """Pairs of parts on adjacent channels whose signals overlap in time."""
    core = Intervals.runs((held > sigma * rms[:, None]) & parts.mask())
    owner = np.full(len(core), -1, dtype=np.int64)
    inner, outer = core.overlaps(parts)
    owner[inner] = outer
    first, second = core.neighbours()
    good = (owner[first] >= 0) & (owner[second] >= 0)
    return owner[first[good]], owner[second[good]]


def _shrink(
    parts: Intervals, held: Frame, rms: Frame, tight: Mask, settings: RefineSettings
) -> Intervals:
    """Cut parts to their tight cores and to the signal they share with a neighbour."""
    core = held > settings.sigma * rms[:, None]
    beside = np.zeros_like(core)
    beside[1:] |= core[:-1]
    beside[:-1] |= core[1:]
    wanted = tight | (core & beside)
    ticks = parts.shape[1]
    tick = np.arange(ticks)
    ahead = np.minimum.accumulate(np.where(wanted, tick, ticks)[:, ::-1], axis=1)[:, ::-1]
    behind = np.maximum.accumulate(np.where(wanted, tick, -1), axis=1)
    first, last = ahead[parts.row, parts.begin], behind[parts.row, parts.end]
    found = (first <= parts.end) & (last >= parts.begin)
    begin = np.where(found, np.maximum(first - settings.pad, parts.begin), parts.begin)
    end = np.where(found, np.minimum(last + settings.pad, parts.end), parts.end)
    shrunk = Intervals(parts.row, begin, end, parts.shape)
    return shrunk.select(end > begin)


def _strong(parts: Intervals, held: Frame, settings: RefineSettings) -> Mask:
    """Which parts hold enough charge to be believed."""
    contents = _Contents(parts, held)
    peak = np.maximum.reduceat(contents.samples, contents.first)
    mean = np.add.reduceat(contents.samples, contents.first) / (parts.end - parts.begin + 1)
    return np.asarray((peak > settings.weak_peak) | (mean > settings.weak_mean))


def _extend(parts: Intervals, links: tuple[Ints, Ints]) -> Intervals:
    """Draw parts out to the ends of the parts they are linked to."""
    begin, end = parts.begin.copy(), parts.end.copy()
    for here, there in (links, links[::-1]):
        np.minimum.at(begin, here, parts.begin[there])
        np.maximum.at(end, here, parts.end[there])
    # Where two of one channel now overlap, they meet in the middle of the gap between them.
    clash = (parts.row[1:] == parts.row[:-1]) & (end[:-1] > begin[1:])
    middle = (parts.end[:-1] + parts.begin[1:]) // 2
    end[:-1][clash], begin[1:][clash] = middle[clash], middle[clash]
    return Intervals(parts.row, begin, end, parts.shape)


def refine(
    candidates: Intervals, tight: Intervals, frame: Frame, rms: Frame, settings: RefineSettings
) -> Intervals:
    """Regions of interest of an induction plane.

    Args:
        candidates: loose and tight candidates.
        tight: the tight ones.
        frame: Wiener-filtered charge without low cut, (channel, tick).
        rms: noise of every channel with the tight low cut.
        settings: thresholds.

    Returns:
        Regions, which on one channel may share an end.
    """
    tight_mask = tight.mask()
    parts, held = candidates, frame
    for _ in range(settings.loops):
        if not len(parts):
            return parts
        parts, held = _break(parts, held, rms, settings)
        links = _links(parts, held, rms, settings.sigma)
        parts = parts.select(clusters_with(len(parts), links, parts.touched_by(tight_mask)))
    if not len(parts):
        return parts
    parts = _shrink(parts, held, rms, tight_mask, settings)
    links = _links(parts, held, rms, settings.sigma)
    parts = parts.select(clusters_with(len(parts), links, parts.touched_by(tight_mask)))
    if not len(parts):
        return parts
    links = _links(parts, held, rms, settings.sigma)
    parts = parts.select(linked_to(links, _strong(parts, held, settings)))
    return _extend(parts, _links(parts, held, rms, settings.sigma))
