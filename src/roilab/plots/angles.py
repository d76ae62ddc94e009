"""Charge and ROIs against the angle of tracks and showers."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roilab.plots.style import COLOURS, PREDICTED, TRUTH, new_figure

Row = Mapping[str, Any]

# Every method has its colour, marker and place in the legend, whatever else is drawn.
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
_EXPECTED = {"bias": 0, "charge_profile": 100}  # what a perfect method gives


def charge_figure(rows: Sequence[Row], quantity: str, title: str) -> Figure:
    """One charge metric against angle, with the purity at which it was reached beside it.

    Args:
        rows: of one plane and energy, all methods.
        quantity: a key of ``CHARGE``.
        title: of the figure.
    """
    figure = new_figure(9.5, 4.4)
    grid = figure.add_gridspec(2, 2, width_ratios=[2, 1])
    main = figure.add_subplot(grid[:, 0])
    _draw(main, rows, quantity)
    main.set_ylabel(CHARGE[quantity])
    main.set_xlabel(_ANGLE)
    if quantity in _EXPECTED:
        main.axhline(_EXPECTED[quantity], color="0.6", lw=1, zorder=0)
    if main.get_legend_handles_labels()[0]:
        main.legend()
    for index, name in enumerate(("roi_purity", "pixel_purity")):
        _draw_part(figure.add_subplot(grid[index, 1]), rows, name)
    figure.suptitle(title)
    return figure


def roi_figure(rows: Sequence[Row], title: str) -> Figure:
    """Pixel and ROI efficiency and purity against angle.

    Args:
        rows: of one plane and energy, all methods.
        title: of the figure.
    """
    figure = new_figure(9.5, 6.5)
    for index, name in enumerate(ROIS):
        axis = figure.add_subplot(2, 2, index + 1)
        _draw_part(axis, rows, name)
        if index == 0 and axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize="small")
    figure.suptitle(title)
    return figure


def _draw_part(axis: Axes, rows: Sequence[Row], name: str) -> None:
    _draw(axis, rows, name)
    axis.set(xlabel=_ANGLE, ylabel=ROIS[name], ylim=(-0.02, 1.04))


def _draw(axis: Axes, rows: Sequence[Row], quantity: str) -> None:
    for method, style in METHODS.items():
        points = sorted((r for r in rows if r["method"] == method), key=lambda r: r["theta_xz"])
        if not points:
            continue
        angles = [row["theta_xz"] for row in points]
        errors = [row.get(f"{quantity}_error", 0) for row in points]
        values = [row[quantity] for row in points]
        axis.errorbar(angles, values, errors, capsize=2, ms=5, lw=1.2, **style)
    axis.grid(alpha=0.3)
