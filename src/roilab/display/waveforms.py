"""Waveforms of one channel, from raw signal to charge."""

import logging

import numpy as np
from matplotlib.figure import Figure

from roilab.display.event_view import EventView, above_median
from roilab.display.predictions import runs
from roilab.display.settings import DisplayError
from roilab.plots.style import CLASSICAL, TRUTH
from roilab.plots.waveform import RoiEdges, Waveform, WaveformRow, waveform_figure
from roilab.types import Mask, Range

log = logging.getLogger(__name__)
_UNIT = "e / tick"


def chosen_channel(view: EventView) -> int:
    """Return the channel id of the settings, or the shown channel with the most charge.

    Raises:
        DisplayError: the channel of the settings lies outside the plane.
    """
    asked, (low, high) = view.settings.channel, view.event.channels
    if asked is not None and not low <= asked < high:
        raise DisplayError(
            f"display.channel={asked}: plane {view.event.name} holds channels {low} to "
            f"{high - 1}; choose one of these."
        )
    if asked is not None:
        return asked
    gauss = view.tags.get(view.physics.gauss)
    charge = gauss if view.event.truth is None else view.event.truth
    sums = np.zeros(1) if charge is None else charge[view.part].sum(1)
    if not sums.any():
        log.warning(
            "%s: no charge in what is shown, so the waveforms are of its first channel.",
            view.event.title,
        )
    return view.channels[0] + int(sums.argmax())


def waveforms(view: EventView) -> Figure:
    """Draw waveforms of one channel below each other, with true and predicted ROIs."""
    channel = chosen_channel(view)
    row = channel - view.event.channels[0]
    ticks = _shown_ticks(view, row)
    columns = slice(ticks[0] - view.event.ticks[0], ticks[1] - view.event.ticks[0])
    axes = view.axes((channel, channel + 1), ticks)
    rows = [_tag_row(view, tag, row, columns) for tag in view.settings.chain]
    rows.append(_truth_row(view, row, columns))
    rows += _probability_rows(view, row, columns)
    rows.append(_charge_row(view, row, columns))
    rows += _cut_rows(view, row, columns)
    title = f"{view.event.title}, channel {channel}"
    return waveform_figure(rows, _rois(view, row), axes, title)


def _shown_ticks(view: EventView, row: int) -> Range:
    """Return the ticks of the settings, or those of the channel's charge with a margin.

    Of the charge, what lies in the ticks that the other pictures show.
    """
    truth, shown = view.event.truth, view.part[1]
    if view.settings.ticks is not None or truth is None or not truth[row, shown].any():
        return view.ticks
    charged = np.flatnonzero(truth[row, shown]) + view.ticks[0]
    margin = view.settings.margin
    begin, end = view.event.ticks
    return max(begin, int(charged[0]) - margin), min(end, int(charged[-1]) + 1 + margin)


def _tag_row(view: EventView, tag: str, row: int, columns: slice) -> WaveformRow:
    adc = tag in view.settings.adc_tags
    if tag not in view.tags:
        why = view.event.missing.get(tag) or f"event {view.event.event} has no tag '{tag}'"
        return WaveformRow(tag, "", absent=why)
    wave = view.tags[tag][row : row + 1]
    wave = above_median(wave) if adc else wave
    line = Waveform(tag, wave[0, columns], "0.25")
    return WaveformRow(f"{tag} (above its median)" if adc else tag, "ADC" if adc else _UNIT, [line])


def _truth_row(view: EventView, row: int, columns: slice) -> WaveformRow:
    if view.event.truth is None or view.truth_rois is None:
        return WaveformRow("truth", "", absent=view.event.no_truth)
    line = Waveform("truth", view.event.truth[row, columns], TRUTH)
    padding = f", padded by {view.truth_rois.pad} ticks (shaded)" if view.truth_rois.pad else ""
    return WaveformRow(f"truth charge; ROIs: {view.truth_rois.label}{padding}", _UNIT, [line])


def _probability_rows(view: EventView, row: int, columns: slice) -> list[WaveformRow]:
    if not view.predictions:
        return [WaveformRow("ROI probability", "", absent="no network was given (network=[FILE])")]
    networks = {prediction.network: prediction for prediction in view.predictions}
    lines = [
        Waveform(name, prediction.probability[row, columns], colour)
        for (name, prediction), colour in (
            (item, view.colours[item[1].name]) for item in networks.items()
        )
    ]
    level = view.predictions[0].mask_thresh
    label = f"; dashed: {level:g}"
    return [WaveformRow(f"ROI probability{label}", "", lines, level=level, limits=(-0.05, 1.05))]


def _charge_row(view: EventView, row: int, columns: slice) -> WaveformRow:
    results = {prediction.name: prediction.charge for prediction in view.predictions}
    found = {name: charge for name, charge in results.items() if charge is not None}
    lines = _truth_line(view, row, columns)
    gauss = view.tags.get(view.physics.gauss)
    if gauss is not None:
        lines.append(Waveform(view.physics.gauss, gauss[row, columns], CLASSICAL))
    lines += [
        Waveform(name, charge[row, columns], view.colours[name]) for name, charge in found.items()
    ]
    if len(lines) == 0:
        return WaveformRow(
            "final charge", "", absent="no network, classical ROIs or truth in this event"
        )
    return WaveformRow("final charge", _UNIT, lines)


def _cut_rows(view: EventView, row: int, columns: slice) -> list[WaveformRow]:
    """Return the charge after the cut; the numbers in the titles are those of the plane."""
    return [
        WaveformRow(
            f"{name} above {view.settings.charge_cut:g} e/tick: in the plane the cut "
            f"{cut.sentence}",
            _UNIT,
            [
                *_truth_line(view, row, columns),
                Waveform(name, cut.charge[row, columns], view.colours[name]),
            ],
            level=view.settings.charge_cut,
        )
        for name, cut in view.cuts.items()
    ]


def _truth_line(view: EventView, row: int, columns: slice) -> list[Waveform]:
    if view.event.truth is None:
        return []
    return [Waveform("truth", view.event.truth[row, columns], TRUTH)]


def _rois(view: EventView, row: int) -> list[RoiEdges]:
    """Return true ROIs, padded true ROIs, and those of every network."""
    begin = view.event.ticks[0]

    def of(mask: Mask) -> list[Range]:
        return [(first + begin, end + begin) for first, end in runs(mask[row])]

    kinds = []
    if view.truth_rois is not None:
        label = f"true ROI ({view.truth_rois.label})"
        kinds.append(RoiEdges(label, of(view.truth_rois.mask), TRUTH, "-", 0.08))
        if view.truth_rois.pad:
            label = f"padded by {view.truth_rois.pad} ticks"
            kinds.append(RoiEdges(label, of(view.truth_rois.padded), TRUTH, ":", 0.08))
    kinds += [
        RoiEdges(
            f"ROI of {prediction.name}", of(prediction.mask), view.colours[prediction.name], "--"
        )
        for prediction in view.predictions
    ]
    return kinds
