"""One channel from raw signal to charge."""

import logging

import numpy as np
from matplotlib.figure import Figure

from roilab.display.event_view import Scene, above_median
from roilab.display.predictions import Mask, runs
from roilab.display.settings import DisplayError, Range
from roilab.plots.style import CLASSICAL, TRUTH
from roilab.plots.waveform import RoiEdges, Waveform, WaveformRow, waveform_figure

log = logging.getLogger(__name__)
_UNIT = "e / tick"


def chosen_channel(scene: Scene) -> int:
    """Id of the channel that was asked for, or of that with most charge among those shown.

    Raises:
        DisplayError: it lies outside the plane.
    """
    asked, (low, high) = scene.settings.channel, scene.event.channels
    if asked is not None and not low <= asked < high:
        raise DisplayError(
            f"display.channel={asked}: plane {scene.event.plane} holds channels {low} to "
            f"{high - 1}; choose one of these."
        )
    if asked is not None:
        return asked
    gauss = scene.event.tags.get(scene.physics.gauss)
    charge = gauss if scene.event.truth is None else scene.event.truth
    sums = np.zeros(1) if charge is None else charge[scene.part].sum(1)
    if not sums.any():
        log.warning(
            "%s: no charge in what is shown, so the waveforms are of its first channel.",
            scene.event.title,
        )
    return scene.channels[0] + int(sums.argmax())


def waveforms(scene: Scene) -> Figure:
    """Waveforms of one channel below each other, true and found ROIs through all of them."""
    channel = chosen_channel(scene)
    row = channel - scene.event.channels[0]
    ticks = _shown_ticks(scene, row)
    columns = slice(ticks[0] - scene.event.ticks[0], ticks[1] - scene.event.ticks[0])
    view = scene.view((channel, channel + 1), ticks)
    rows = [_tag_row(scene, tag, row, columns) for tag in scene.settings.chain]
    rows.append(_truth_row(scene, row, columns))
    rows += _probability_rows(scene, row, columns)
    rows.append(_charge_row(scene, row, columns))
    rows += _cut_rows(scene, row, columns)
    title = f"{scene.event.title}, channel {channel}"
    return waveform_figure(rows, _rois(scene, row), view, title)


def _shown_ticks(scene: Scene, row: int) -> Range:
    """Those that were asked for, or the channel's charge with a margin."""
    truth = scene.event.truth
    if scene.settings.ticks is not None or truth is None or not truth[row].any():
        return scene.ticks
    charged = np.flatnonzero(truth[row]) + scene.event.ticks[0]
    margin = scene.settings.margin
    begin, end = scene.event.ticks
    return max(begin, int(charged[0]) - margin), min(end, int(charged[-1]) + 1 + margin)


def _tag_row(scene: Scene, tag: str, row: int, columns: slice) -> WaveformRow:
    adc = tag in scene.settings.adc_tags
    if tag not in scene.event.tags:
        why = scene.event.absent.get(tag) or f"event {scene.event.event} has no tag '{tag}'"
        return WaveformRow(tag, "", absent=why)
    wave = scene.event.tags[tag][row : row + 1]
    wave = above_median(wave) if adc else wave
    line = Waveform(tag, wave[0, columns], "0.25")
    return WaveformRow(f"{tag} (above its median)" if adc else tag, "ADC" if adc else _UNIT, [line])


def _truth_row(scene: Scene, row: int, columns: slice) -> WaveformRow:
    if scene.event.truth is None or scene.true is None:
        return WaveformRow("truth", "", absent=scene.event.no_truth)
    line = Waveform("truth", scene.event.truth[row, columns], TRUTH)
    padding = f", padded by {scene.true.pad} ticks (shaded)" if scene.true.pad else ""
    return WaveformRow(f"truth charge; ROIs: {scene.true.what}{padding}", _UNIT, [line])


def _probability_rows(scene: Scene, row: int, columns: slice) -> list[WaveformRow]:
    if not scene.findings:
        return [WaveformRow("ROI probability", "", absent="no network was given (networks=[FILE])")]
    networks = {finding.network: finding for finding in scene.findings}
    lines = [
        Waveform(name, finding.probability[row, columns], colour)
        for (name, finding), colour in (
            (item, scene.colours[item[1].name]) for item in networks.items()
        )
    ]
    level = scene.findings[0].mask_thresh
    own = f"; dashed: {level:g}"
    return [WaveformRow(f"ROI probability{own}", "", lines, level=level, limits=(-0.05, 1.05))]


def _charge_row(scene: Scene, row: int, columns: slice) -> WaveformRow:
    results = {finding.name: finding.charge for finding in scene.findings}
    found = {name: charge for name, charge in results.items() if charge is not None}
    lines = _truth_line(scene, row, columns)
    gauss = scene.event.tags.get(scene.physics.gauss)
    if gauss is not None:
        lines.append(Waveform(scene.physics.gauss, gauss[row, columns], CLASSICAL))
    lines += [
        Waveform(name, charge[row, columns], scene.colours[name]) for name, charge in found.items()
    ]
    if len(lines) == 0:
        return WaveformRow(
            "final charge", "", absent="no network, classical ROIs or truth in this event"
        )
    return WaveformRow("final charge", _UNIT, lines)


def _cut_rows(scene: Scene, row: int, columns: slice) -> list[WaveformRow]:
    """What the charge cut leaves; its numbers are those of the whole plane."""
    return [
        WaveformRow(
            f"{name} above {scene.settings.charge_cut:g} e/tick: in the plane the cut "
            f"{cut.sentence}",
            _UNIT,
            [
                *_truth_line(scene, row, columns),
                Waveform(name, cut.charge[row, columns], scene.colours[name]),
            ],
            level=scene.settings.charge_cut,
        )
        for name, cut in scene.cuts.items()
    ]


def _truth_line(scene: Scene, row: int, columns: slice) -> list[Waveform]:
    if scene.event.truth is None:
        return []
    return [Waveform("truth", scene.event.truth[row, columns], TRUTH)]


def _rois(scene: Scene, row: int) -> list[RoiEdges]:
    """True ones, what padding adds to them, and those of every network."""
    begin = scene.event.ticks[0]

    def of(mask: Mask) -> list[Range]:
        return [(first + begin, end + begin) for first, end in runs(mask[row])]

    kinds = []
    if scene.true is not None:
        label = f"true ROI ({scene.true.what})"
        kinds.append(RoiEdges(label, of(scene.true.mask), TRUTH, "-", 0.08))
        if scene.true.pad:
            label = f"padded by {scene.true.pad} ticks"
            kinds.append(RoiEdges(label, of(scene.true.padded), TRUTH, ":", 0.08))
    kinds += [
        RoiEdges(f"ROI of {finding.name}", of(finding.roi_mask), scene.colours[finding.name], "--")
        for finding in scene.findings
    ]
    return kinds
