"""Charge and ROIs against the angle of tracks and showers."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roilab.plots.errorbars import draw_column
from roilab.plots.style import COLOURS, PREDICTED, TRUTH, new_chart, new_figure
from roilab.types import Row

# Colour, marker and name of every method, the same in all figures.
METHODS: dict[str, dict[str, Any]] = {
    "dnn": {"color": PREDICTED, "marker": "o", "label": "DNN"},
    "gauss": {"color": TRUTH, "marker": "s", "label": "Gauss"},
    "ideal": {"color": COLOURS[2], "marker": "^", "label": "ideal", "ls": "--"},
}
CHARGE = {
    "bias": "bias [%]",
    "resolution": "resolution [%]",
    "inefficiency": "inefficiency [%]",
    "charge_profile": "charge profile: reco / truth [%]",
}
ROIS = {
    "pixel_efficiency": "pixel efficiency",
    "pixel_purity": "pixel purity",
    "roi_efficiency": "ROI efficiency",
    "roi_purity": "ROI purity",
}
_ANGLE = r"$\theta_{xz}$ [deg]"
_PLAIN_ANGLE = "angle θxz [degrees]"  # without the mathematical fonts of a PNG
_EXPECTED = {"bias": 0, "charge_profile": 100}  # of a perfect method
_NEVER_NEGATIVE = ("resolution", "inefficiency")


def charge_figure(rows: Sequence[Row], quantity: str, title: str) -> Figure:
    """Draw one charge metric, a key of ``CHARGE``, and the purities of all methods against angle.

    The rows are of one plane and energy.
    """
    figure = new_figure(9.5, 4.4)
    grid = figure.add_gridspec(2, 2, width_ratios=[2, 1])
    main = figure.add_subplot(grid[:, 0])
    _draw_methods(main, rows, quantity)
    main.set_ylabel(CHARGE[quantity])
    main.set_xlabel(_ANGLE)
    if quantity in _EXPECTED:
        main.axhline(_EXPECTED[quantity], color="0.6", lw=1, zorder=0)
    if main.get_legend_handles_labels()[0]:
        main.legend()
    for index, name in enumerate(("roi_purity", "pixel_purity")):
        _draw_fraction(figure.add_subplot(grid[index, 1]), rows, name)
    figure.suptitle(title)
    return figure


def metric_figure(rows: Sequence[Row], quantity: str) -> Figure:
    """Draw one metric of all methods against angle: a key of ``CHARGE`` or of ``ROIS``.

    The rows are of one plane and energy.
    """
    figure, axis = new_chart()
    if quantity in ROIS:
        _draw_fraction(axis, rows, quantity)
    else:
        _draw_methods(axis, rows, quantity)
        axis.set(xlabel=_PLAIN_ANGLE, ylabel=CHARGE[quantity])
    if quantity in _NEVER_NEGATIVE:
        axis.set_ylim(bottom=min(0, -0.02 * axis.get_ylim()[1]))
    if quantity in _EXPECTED:
        axis.axhline(_EXPECTED[quantity], color="0.6", lw=1, zorder=0)
    axis.set_xlabel(_PLAIN_ANGLE)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="best", framealpha=0.7)
    return figure


def curve_figure(curves: Mapping[str, Sequence[tuple[float, float]]], quantity: str) -> Figure:
    """Draw one charge metric, a key of ``CHARGE``, against angle: (angle, value) by method."""
    figure = new_figure(5.5, 3.8)
    axis = figure.add_subplot()
    for method, points in curves.items():
        axis.plot(*zip(*points, strict=True), ms=5, lw=1.2, **METHODS.get(method, {"marker": "o"}))
    if quantity in _EXPECTED:
        axis.axhline(_EXPECTED[quantity], color="0.6", lw=1, zorder=0)
    axis.set(xlabel=_ANGLE, ylabel=CHARGE[quantity])
    axis.grid(alpha=0.3)
    axis.legend()
    return figure


def roi_figure(rows: Sequence[Row], title: str) -> Figure:
    """Draw pixel and ROI efficiency and purity of all methods, on one plane and energy."""
    figure = new_figure(9.5, 6.5)
    for index, name in enumerate(ROIS):
        axis = figure.add_subplot(2, 2, index + 1)
        _draw_fraction(axis, rows, name)
        if index == 0 and axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize="small")
    figure.suptitle(title)
    return figure


def _draw_fraction(axis: Axes, rows: Sequence[Row], name: str) -> None:
    _draw_methods(axis, rows, name)
    axis.set(xlabel=_ANGLE, ylabel=ROIS[name], ylim=(-0.02, 1.04))


def _draw_methods(axis: Axes, rows: Sequence[Row], quantity: str) -> None:
    for method, style in METHODS.items():
        points = sorted((r for r in rows if r["method"] == method), key=lambda r: r["theta_xz"])
        if points:
            angles = [row["theta_xz"] for row in points]
            draw_column(axis, angles, points, quantity, capsize=2, ms=5, lw=1.2, **style)
    axis.grid(alpha=0.3)
