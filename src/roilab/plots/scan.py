"""Charge and ROIs against the mask threshold and against the padding of the truth mask."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roilab.plots.errorbars import draw_column
from roilab.plots.style import COLOURS, new_figure
from roilab.types import Row


def scan_figure(
    rows: Sequence[Row], validation: Sequence[Row], mask_thresh: float, title: str
) -> Figure:
    """Draw pixel efficiency against purity, and bias and inefficiency against the mask threshold.

    There is a row for every angle and mask threshold, on one plane and energy, and for every
    threshold one of validation events, if any. ``mask_thresh``, the one in use, is marked.
    """
    figure = new_figure(13, 4.2)
    trade, bias, inefficiency = (figure.add_subplot(1, 3, n) for n in (1, 2, 3))
    for angle, colour, points in _groups(rows, "theta_xz"):
        label = f"{angle:g} deg"
        _draw_trade_off(trade, points, mask_thresh, color=colour, label=label)
        thresholds = [row["mask_thresh"] for row in points]
        for axis, name in ((bias, "bias"), (inefficiency, "inefficiency")):
            draw_column(axis, thresholds, points, name, color=colour, lw=1.2, label=label)
    if validation:
        style = {"color": "0.5", "ls": "--", "label": "validation events"}
        _draw_trade_off(trade, validation, mask_thresh, **style)
    trade.set(xlabel="pixel purity", ylabel="pixel efficiency", xlim=(0, 1.02), ylim=(0, 1.02))
    bias.axhline(0, color="0.6", lw=1, zorder=0)
    bias.set(xlabel="mask_thresh", ylabel="bias [%]")
    inefficiency.set(xlabel="mask_thresh", ylabel="inefficiency [%]")
    for axis in (bias, inefficiency):
        axis.axvline(mask_thresh, color="0.6", ls=":", lw=1)
    for axis in (trade, bias, inefficiency):
        axis.grid(alpha=0.3)
    trade.legend(fontsize="small")
    figure.suptitle(f"{title}; circles and dotted lines: mask_thresh {mask_thresh:g}")
    return figure


def padding_figure(rows: Sequence[Row], title: str) -> Figure:
    """Draw bias and inefficiency against the padding of the truth mask, on one plane and energy.

    There is a line for every method, rebin, threshold and unit of the padding, and a column of
    panels for every angle.
    """
    angles = sorted({row["theta_xz"] for row in rows})
    figure = new_figure(2.6 + 2.6 * len(angles), 6.0)
    first: Axes | None = None
    for column, angle in enumerate(angles):
        for line, name in enumerate(("bias", "inefficiency")):
            axis = figure.add_subplot(2, len(angles), line * len(angles) + column + 1)
            _draw_padding(axis, [row for row in rows if row["theta_xz"] == angle], name)
            axis.set_ylabel(f"{name} [%]" if column == 0 else "")
            if line == 0:
                axis.set_title(f"{angle:g} deg", fontsize="medium")
                axis.axhline(0, color="0.6", lw=1, zorder=0)
            else:
                axis.set_xlabel("padding [ticks]")
            first = first or axis
    if first is not None:
        handles, labels = first.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", fontsize="small")
    figure.suptitle(title)
    return figure


def _draw_padding(axis: Axes, rows: Sequence[Row], name: str) -> None:
    keys = ("rebin", "threshold", "pad_unit")
    colours = {key: colour for key, colour, _ in _groups(rows, *keys)}
    for (method, *key), _, group in _groups(rows, "method", *keys):
        rebin, threshold, unit = key
        by_padding = sorted(group, key=lambda row: row["pad"])
        for widened, _, points in _groups(by_padding, "window_widened"):
            ticks = [row["pad"] * (rebin if unit == "bins" else 1) for row in points]
            label = f"{method}, rebin {rebin}, {threshold:g} e, in {unit}"
            style: dict[str, Any] = {"color": colours[tuple(key)], "ls": "--" if widened else "-"}
            style |= {"marker": "o" if method == "ideal" else "s", "ms": 3, "lw": 1.2}
            style["label"] = label + (", wide window" if widened else "")
            draw_column(axis, ticks, points, name, **style)
    axis.grid(alpha=0.3)
    if name == "inefficiency":
        axis.set_ylim(-0.2, max(5, axis.get_ylim()[1]))


def _draw_trade_off(axis: Axes, rows: Sequence[Row], mask_thresh: float, **style: Any) -> None:
    """Draw efficiency against purity, with a circle at the threshold nearest to the one in use."""
    purity = [row["pixel_purity"] for row in rows]
    efficiency = [row["pixel_efficiency"] for row in rows]
    axis.plot(purity, efficiency, lw=1.2, **style)
    nearest = min(range(len(rows)), key=lambda n: abs(rows[n]["mask_thresh"] - mask_thresh))
    axis.plot(purity[nearest], efficiency[nearest], "o", ms=5, color=style["color"])


def _groups(rows: Sequence[Row], *names: str) -> Iterable[tuple[Any, str, list[Row]]]:
    """Yield rows with equal values in the named columns, with those values and a colour."""
    keys = dict.fromkeys(tuple(row[name] for name in names) for row in rows)
    for key, colour in zip(keys, cycle(COLOURS), strict=False):
        chosen = [row for row in rows if tuple(row[name] for name in names) == key]
        yield (key if len(names) > 1 else key[0]), colour, chosen
