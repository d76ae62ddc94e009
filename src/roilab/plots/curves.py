"""Loss and metrics against epoch, and against the mask threshold."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from roilab.plots.style import COLOURS, PREDICTED, TRUTH, new_chart, new_figure
from roilab.types import Row

Curve = Sequence[tuple[int, float]]
# Metrics of a mask threshold, and their colours.
_SCANNED = {
    "charge_efficiency": COLOURS[2],
    "roi_efficiency": TRUTH,
    "roi_purity": PREDICTED,
    "pixel_purity": COLOURS[4],
    "dice": COLOURS[3],
}


def loss_figure(curves: Mapping[str, Curve]) -> Figure:
    """Draw losses on the left and validation metrics on the right.

    Curves are (epoch, value) pairs by logged name, such as ``train/loss``.
    """
    figure = new_figure(9.5, 3.8)
    _draw_losses(figure.add_subplot(1, 2, 1), curves)
    _draw_metrics(figure.add_subplot(1, 2, 2), curves)
    return figure


def loss_panels(curves: Mapping[str, Curve]) -> dict[str, Callable[[], Figure]]:
    """Return functions that draw one figure each, by what it shows; none without curves."""
    panels: dict[str, Callable[[], Figure]] = {}
    if {"train/loss", "val/loss"} & set(curves):
        panels["losses"] = partial(_one_panel, _draw_losses, curves)
    if any(name.startswith("val/") and name != "val/loss" for name in curves):
        panels["validation metrics"] = partial(_one_panel, _draw_metrics, curves)
    return panels


def threshold_figure(scan: Sequence[Row], mask_thresh: float) -> Figure:
    """Draw validation metrics against the mask threshold; a line marks the one in use."""
    figure, axis = new_chart()
    thresholds = [row["mask_thresh"] for row in scan]
    for name, colour in _SCANNED.items():
        if name in scan[0]:
            label = name.replace("roi_", "ROI ").replace("_", " ")
            axis.plot(
                thresholds, [row[name] for row in scan], "o-", ms=3, color=colour, label=label
            )
    axis.axvline(mask_thresh, color="0.6", ls="--", lw=1.2, label=f"in use: {mask_thresh:g}")
    axis.set(xlabel="mask_thresh", ylabel="validation metric", xlim=(0, 1), ylim=(-0.02, 1.04))
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", framealpha=0.7)
    return figure


def _one_panel(
    draw: Callable[[Axes, Mapping[str, Curve]], None], curves: Mapping[str, Curve]
) -> Figure:
    figure, axis = new_chart()
    draw(axis, curves)
    return figure


def _draw_losses(axis: Axes, curves: Mapping[str, Curve]) -> None:
    for name, colour in (("train/loss", TRUTH), ("val/loss", PREDICTED)):
        if name in curves:
            axis.plot(*zip(*curves[name], strict=True), "o-", ms=3, color=colour, label=name)
    axis.set(xlabel="epoch", ylabel="loss")
    plain_log(axis)
    _finish(axis)


def _draw_metrics(axis: Axes, curves: Mapping[str, Curve]) -> None:
    shown = [name for name in curves if name.startswith("val/") and name != "val/loss"]
    for name, colour in zip(shown, cycle(COLOURS), strict=False):
        label = name.removeprefix("val/").replace("_", " ")
        axis.plot(*zip(*curves[name], strict=True), "o-", ms=3, color=colour, label=label)
    axis.set(xlabel="epoch", ylabel="validation metric", ylim=(0, 1.02))
    _finish(axis)


def _finish(axis: Axes) -> None:
    axis.grid(alpha=0.3)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize="small")


def plain_log(axis: Axes, which: Literal["x", "y"] = "y") -> None:
    """Make an axis logarithmic, by default the vertical one, with labels such as 0.02."""
    axis.set(**{f"{which}scale": "log"})
    line = axis.xaxis if which == "x" else axis.yaxis
    for set_formatter in (line.set_major_formatter, line.set_minor_formatter):
        set_formatter(_PlainLabels(minor_thresholds=(2, 0.6)))


class _PlainLabels(LogFormatter):
    """The labels of ``LogFormatter``, without powers of ten."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""
