"""One channel from raw signal to charge, aligned in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from roilab.plots.panels import say
from roilab.plots.style import new_figure
from roilab.plots.view import View

Wave = NDArray[np.float32]


@dataclass(frozen=True)
class Line:
    """One waveform.

    Attributes:
        label: for the legend.
        wave: shape (tick,) of the view.
        colour: of the line.
    """

    label: str
    wave: Wave
    colour: str


@dataclass(frozen=True)
class Row:
    """Waveforms on common axes.

    Attributes:
        title: what they are.
        unit: of the vertical axis.
        lines: empty where ``absent`` says why.
        absent: why there is nothing to draw.
        level: a horizontal line, such as a threshold.
        limits: of the vertical axis; ``None`` for those of the waveforms.
    """

    title: str
    unit: str
    lines: Sequence[Line] = field(default=())
    absent: str = ""
    level: float | None = None
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Rois:
    """Regions of interest of the channel.

    Attributes:
        label: for the legend.
        runs: half-open (first, end) ticks.
        colour: of their edges.
        style: of their edges.
        shade: how much of their inside is coloured, 0 to 1.
    """

    label: str
    runs: Sequence[tuple[int, int]]
    colour: str
    style: str
    shade: float = 0.0


def waveform_figure(rows: Sequence[Row], rois: Sequence[Rois], view: View, title: str) -> Figure:
    """Waveforms below each other, with the edges of regions of interest through all of them.

    Args:
        rows: from raw signal to charge.
        rois: whose edges are drawn.
        view: the ticks that are drawn, and their units.
        title: of the figure: file, event, anode, plane, channel.
    """
    heights = [0.3 if row.absent else 1.0 for row in rows]
    figure = new_figure(11, 1.2 + 1.45 * sum(heights))
    axes = figure.subplots(len(rows), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axis, row in zip(axes, rows, strict=True):
        _draw_row(axis, row, view)
        for kind in rois:
            _draw_edges(axis, kind, view)
    axes[-1].set_xlabel(view.time_label)
    axes[-1].set_xlim(view.extent[:2])
    handles, labels = axes[0].get_legend_handles_labels()
    kinds = [(h, t) for h, t in zip(handles, labels, strict=True) if t in {k.label for k in rois}]
    if kinds:
        figure.legend(*zip(*kinds, strict=True), loc="outside lower center", ncol=3)
    figure.suptitle(title)
    return figure


def _draw_row(axis: Axes, row: Row, view: View) -> None:
    axis.set_title(row.title, loc="left", fontsize="small", pad=3)
    if row.absent:
        axis.set_facecolor("0.95")
        axis.set_yticks([])
        say(axis, row.absent)
        return
    drawn = [
        axis.plot(view.times, line.wave, color=line.colour, lw=0.9, label=line.label)[0]
        for line in row.lines
    ]
    if row.level is not None:
        axis.axhline(row.level, color="0.4", lw=0.8, ls="--")
    if row.limits is not None:
        axis.set_ylim(row.limits)
    axis.set_ylabel(row.unit, fontsize="small")
    axis.grid(alpha=0.25)
    if len(drawn) > 1:
        axis.legend(handles=drawn, fontsize="x-small", loc="upper right")


def _draw_edges(axis: Axes, rois: Rois, view: View) -> None:
    label = rois.label
    for first, end in rois.runs:
        left, right = view.time(first - 0.5), view.time(end - 0.5)
        if right < view.extent[0] or left > view.extent[1]:
            continue
        if rois.shade:
            axis.axvspan(left, right, color=rois.colour, alpha=rois.shade, lw=0)
        for place in (left, right):
            axis.axvline(place, color=rois.colour, ls=rois.style, lw=0.8, label=label)
            label = "_" + rois.label  # the legend names it once
