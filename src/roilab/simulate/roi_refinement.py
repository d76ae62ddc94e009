"""Refinement of ROIs on induction planes: break, shrink, clean up, extend.

Deconvolved induction waveforms contain slow noise. Inside a candidate the baseline is therefore a
set of straight lines between points without signal, and the charge above it is the signal. This
loses the charge of prolonged tracks: a signal as long as the period of the noise looks like
baseline. The steps follow the toolkit's ``ROI_refinement``.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

from roilab.simulate.intervals import (
    Intervals,
    IntervalSamples,
    Pairs,
    find_connected,
    find_linked,
)
from roilab.types import FloatArray, Frame, IntArray, Mask

_ZERO = 1e-3  # electrons; samples on the baseline differ from 0 by rounding errors


@dataclass(frozen=True)
class RefinementSettings:
    """Settings ``refinement`` of ``conf/simulation/roi/classical.yaml``, which documents them."""

    sigma: float
    valley: float
    valley_sigma: float
    loops: int
    pad: int
    weak_mean: float
    weak_peak: float


def refine_rois(
    candidates: Intervals, tight: Intervals, frame: Frame, rms: Frame, settings: RefinementSettings
) -> Intervals:
    """Refine the loose and tight candidates of an induction plane.

    ``frame`` is Wiener-filtered charge without low cut, (channel, tick), and ``rms`` the noise of
    every channel with the tight low cut. Neighbouring ROIs on one channel may share a tick.
    """
    tight_mask = tight.to_mask()
    rois, charge = candidates, frame
    for _ in range(settings.loops):
        if not len(rois):
            return rois
        rois, charge = _break_rois(rois, charge, rms, settings)
        rois = _clean_up_rois(rois, charge, rms, tight_mask, settings)
    if not len(rois):
        return rois
    rois = _shrink_rois(rois, charge, rms, tight_mask, settings)
    rois = _clean_up_rois(rois, charge, rms, tight_mask, settings)
    if not len(rois):
        return rois
    links = _find_links(rois, charge, rms, settings.sigma)
    rois = rois.select(find_linked(links, _find_strong(rois, charge, settings)))
    return _extend_rois(rois, _find_links(rois, charge, rms, settings.sigma))


def _break_rois(
    rois: Intervals, frame: Frame, rms: Frame, settings: RefinementSettings
) -> tuple[Intervals, Frame]:
    """Return the parts of ROIs between valleys, and their charge above the baseline."""
    samples = IntervalSamples(rois, frame)
    noise: FloatArray = rms[samples.row].astype(np.float64)
    ends = np.concatenate([samples.first, samples.last])
    _subtract_lines(samples, np.unique(ends))
    valleys = _find_valleys(samples, noise, settings)
    _subtract_lines(samples, np.unique(np.concatenate([ends, valleys])))
    for _ in range(2):
        nodes = _find_baseline(samples, settings.sigma * noise)
        if not len(nodes):
            return rois.select(np.zeros(len(rois), dtype=bool)), np.zeros_like(frame)
        _subtract_lines(samples, nodes)
    zeros = np.flatnonzero(np.abs(samples.values) < _ZERO)
    same = (samples.owner[zeros[1:]] == samples.owner[zeros[:-1]]) & (np.diff(zeros) > 1)
    start, stop = zeros[:-1][same], zeros[1:][same]
    parts = Intervals(samples.row[start], samples.tick[start], samples.tick[stop], rois.shape)
    charge = np.zeros_like(frame)
    charge[samples.row, samples.tick] = samples.values
    return parts, charge


def _subtract_lines(samples: IntervalSamples, nodes: IntArray) -> None:
    """Subtract straight lines between nodes; set samples outside an interval's nodes to 0."""
    index = np.arange(len(samples.values))
    is_node = np.zeros(len(index), dtype=bool)
    is_node[nodes] = True
    before = np.cumsum(is_node) - 1
    after = np.minimum(before + ~is_node, len(nodes) - 1)
    inside = (before >= 0) & (nodes[after] >= index)
    inside &= samples.owner[nodes[before]] == samples.owner[nodes[after]]
    inside &= samples.owner[nodes[before]] == samples.owner
    baseline = np.interp(index, nodes, samples.values[nodes])
    samples.values = np.where(inside, samples.values - baseline, 0.0)


def _find_baseline(samples: IntervalSamples, threshold: FloatArray) -> IntArray:
    """Return the index of the lowest sample of every run below threshold within an interval."""
    below = samples.values < threshold
    changed = np.ones(len(below), dtype=bool)
    changed[1:] = (below[1:] != below[:-1]) | (samples.owner[1:] != samples.owner[:-1])
    run = np.cumsum(changed) - 1
    # A sample at 0 is the end of an earlier line and goes before any lower one.
    value = np.where(np.abs(samples.values) < _ZERO, -np.inf, samples.values)
    least = np.minimum.reduceat(value, np.flatnonzero(changed)) if len(value) else value
    lowest = np.flatnonzero(below & (value == least[run]))
    return lowest[np.diff(run[lowest], prepend=-1) > 0]  # the first one of each run


def _find_valleys(
    samples: IntervalSamples, noise: FloatArray, settings: RefinementSettings
) -> IntArray:
    """Return the indices of the lowest samples of valleys that separate two peaks."""
    depth = np.maximum(settings.valley, settings.valley_sigma * noise)
    # In units of the required depth, one prominence serves all channels. An infinite wall between
    # intervals keeps the peaks of the next interval out of the prominence.
    place = np.arange(len(samples.values)) + samples.owner + 1
    relief = np.full(place[-1] + 2, np.inf)
    relief[place] = -samples.values / depth
    # The limit on the height leaves the walls out early: their prominence takes long to compute.
    bottoms, _ = find_peaks(relief, height=(None, np.finfo(float).max), prominence=1.0)
    return np.asarray(np.searchsorted(place, bottoms))


def _find_links(rois: Intervals, charge: Frame, rms: Frame, sigma: float) -> Pairs:
    """Find pairs of ROIs on adjacent channels whose signals overlap in time."""
    signals = Intervals.from_mask((charge > sigma * rms[:, None]) & rois.to_mask())
    owner = np.full(len(signals), -1, dtype=np.int64)
    signal, roi = signals.find_overlaps(rois)
    owner[signal] = roi
    first, second = signals.find_neighbours()
    good = (owner[first] >= 0) & (owner[second] >= 0)
    return owner[first[good]], owner[second[good]]


def _clean_up_rois(
    rois: Intervals, charge: Frame, rms: Frame, tight: Mask, settings: RefinementSettings
) -> Intervals:
    """Keep ROIs that contain a tight one, or are connected to such a ROI."""
    links = _find_links(rois, charge, rms, settings.sigma)
    return rois.select(find_connected(len(rois), links, rois.contains_any(tight)))


def _shrink_rois(
    rois: Intervals, charge: Frame, rms: Frame, tight: Mask, settings: RefinementSettings
) -> Intervals:
    """Shrink ROIs to their tight ticks and to signal that a neighbouring channel sees too."""
    signal = charge > settings.sigma * rms[:, None]
    neighbour = np.zeros_like(signal)
    neighbour[1:] |= signal[:-1]
    neighbour[:-1] |= signal[1:]
    wanted = tight | (signal & neighbour)
    first, last = rois.find_ends(wanted)
    has_wanted = first <= rois.end
    begin = np.where(has_wanted, np.maximum(first - settings.pad, rois.begin), rois.begin)
    end = np.where(has_wanted, np.minimum(last + settings.pad, rois.end), rois.end)
    shrunk = Intervals(rois.row, begin, end, rois.shape)
    return shrunk.select(end > begin)


def _find_strong(rois: Intervals, charge: Frame, settings: RefinementSettings) -> Mask:
    """Tell which ROIs have a large enough mean or peak."""
    samples = IntervalSamples(rois, charge)
    mean = np.add.reduceat(samples.values, samples.first) / (rois.end - rois.begin + 1)
    return np.asarray((samples.find_peaks() > settings.weak_peak) | (mean > settings.weak_mean))


def _extend_rois(rois: Intervals, links: Pairs) -> Intervals:
    """Extend ROIs to the ends of the ROIs they are linked to."""
    begin, end = rois.begin.copy(), rois.end.copy()
    for here, there in (links, links[::-1]):
        np.minimum.at(begin, here, rois.begin[there])
        np.maximum.at(end, here, rois.end[there])
    # Where two ROIs of one channel now overlap, they meet in the middle of their former gap.
    clash = (rois.row[1:] == rois.row[:-1]) & (end[:-1] > begin[1:])
    middle = (rois.end[:-1] + rois.begin[1:]) // 2
    end[:-1][clash], begin[1:][clash] = middle[clash], middle[clash]
    return Intervals(rois.row, begin, end, rois.shape)
