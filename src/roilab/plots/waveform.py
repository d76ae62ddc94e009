"""One channel from raw signal to charge, aligned in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roilab.plots.images import write_note
from roilab.plots.style import new_figure, write_title
from roilab.plots.view import View
from roilab.types import Frame, Range


@dataclass(frozen=True)
class Waveform:
    """One waveform, shape (tick,) of the view."""

    label: str
    wave: Frame
    colour: str


@dataclass(frozen=True)
class WaveformRow:
    """Waveforms on common axes.

    Attributes:
        title: above the axes.
        unit: of the vertical axis.
        lines: the waveforms; none where ``absent`` is given.
        absent: reason why there is nothing to draw.
        level: height of a horizontal line, such as a threshold.
        limits: of the vertical axis; ``None`` for the range of the waveforms.
    """

    title: str
    unit: str
    lines: Sequence[Waveform] = field(default=())
    absent: str = ""
    level: float | None = None
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class RoiEdges:
    """Regions of interest of one channel, as half-open (first, end) ticks, drawn by their edges.

    ``shade`` is the opacity of the colour between the edges, 0 to 1.
    """

    label: str
    runs: Sequence[Range]
    colour: str
    style: str
    shade: float = 0.0


def waveform_figure(
    rows: Sequence[WaveformRow], rois: Sequence[RoiEdges], view: View, title: str
) -> Figure:
    """Draw rows of waveforms, with the edges of regions of interest through all rows."""
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
    write_title(figure, title)
    return figure


def _draw_row(axis: Axes, row: WaveformRow, view: View) -> None:
    axis.set_title(row.title, loc="left", fontsize="small", pad=3)
    if row.absent:
        axis.set_facecolor("0.95")
        axis.set_yticks([])
        write_note(axis, row.absent)
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
        axis.legend(handles=drawn, fontsize="small", loc="upper right")


def _draw_edges(axis: Axes, rois: RoiEdges, view: View) -> None:
    label = rois.label
    for first, end in rois.runs:
        left, right = view.time(first - 0.5), view.time(end - 0.5)
        if right < view.extent[0] or left > view.extent[1]:
            continue
        if rois.shade:
            axis.axvspan(left, right, color=rois.colour, alpha=rois.shade, lw=0)
        for place in (left, right):
            axis.axvline(place, color=rois.colour, ls=rois.style, lw=0.8, label=label)
            label = "_" + rois.label  # only the first edge is in the legend
