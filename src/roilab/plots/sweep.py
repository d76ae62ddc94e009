"""Runs of a sweep: losses against epoch, and maps over two swept settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from roilab.plots.curves import Curve, plain_log
from roilab.plots.style import COLOURS, PREDICTED, TRUTH, new_chart, new_figure

_STYLES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
_LEGEND_ROWS = 16
_LEAST_RANGE = 0.1  # of the largest value: smaller differences have nearly the same colour
_Box = tuple[float, float, float, float]  # left, right, bottom, top
_LABELLED = 16  # most points with a label
_LOG_RANGE = 8  # largest cost over the smallest from which the axis is logarithmic
_LABEL = 24  # most characters of a label
MAP = "viridis"  # even steps of lightness, also for the colour-blind


@dataclass(frozen=True)
class RunCurves:
    """Losses of one run against epoch.

    Attributes:
        colour: value that its colour stands for, such as a rebin.
        style: value that its line style stands for; empty where only one setting is swept.
        train: training loss.
        val: validation loss.
    """

    colour: str
    style: str
    train: Curve
    val: Curve


@dataclass(frozen=True)
class HeatMap:
    """One quantity over two swept settings, shape (first, second); NaN without a value."""

    title: str
    values: NDArray[np.float64]
    higher_is_better: bool = False


def sweep_loss_figure(runs: Sequence[RunCurves], colour_title: str, style_title: str) -> Figure:
    """Draw training loss on the left and validation loss on the right, a line for every run.

    The titles are the settings that colours and line styles stand for; ``style_title`` may be
    empty. The legends keep the order of the runs.
    """
    colours, styles = _line_styles(runs)
    figure = new_figure(11.5, 4.6)
    train = figure.add_subplot(1, 2, 1)
    panels = {"training loss": train, "validation loss": figure.add_subplot(1, 2, 2, sharey=train)}
    for run in runs:
        for axis, curve in zip(panels.values(), (run.train, run.val), strict=True):
            if curve:
                style = {"color": colours[run.colour], "ls": styles[run.style]}
                axis.plot(*zip(*curve, strict=True), lw=1.5, marker="o", ms=2.5, **style)
    for name, axis in panels.items():
        axis.set(xlabel="epoch", ylabel=name, title=name, yscale="log")
        axis.grid(alpha=0.3)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    patches = {name: {"color": colour, "lw": 3} for name, colour in colours.items()}
    _legend(figure, colour_title, patches, "outside right upper")
    if style_title:
        lines = {name: {"color": "0.3", "ls": style} for name, style in styles.items()}
        _legend(figure, style_title, lines, "outside right lower")
    return figure


def sweep_loss_panels(
    runs: Sequence[RunCurves], colour_title: str, style_title: str
) -> dict[str, Callable[[], Figure]]:
    """Return functions that draw one panel of ``sweep_loss_figure`` each, by what it shows."""
    curves = {"training loss": [r.train for r in runs], "validation loss": [r.val for r in runs]}
    return {
        name: partial(_loss_panel, runs, lines, name, (colour_title, style_title))
        for name, lines in curves.items()
        if any(lines)
    }


def _loss_panel(
    runs: Sequence[RunCurves], lines: Sequence[Curve], name: str, titles: tuple[str, str]
) -> Figure:
    figure, axis = new_chart()
    colours, styles = _line_styles(runs)
    for run, line in zip(runs, lines, strict=True):
        if line:
            texts = [
                f"{title} {value}"
                for title, value in zip(titles, (run.colour, run.style), strict=True)
                if title
            ]
            style = {"color": colours[run.colour], "ls": styles[run.style]}
            axis.plot(
                *zip(*line, strict=True),
                lw=1.5,
                marker="o",
                ms=2.5,
                label=_end_of(", ".join(texts)),
                **style,
            )
    axis.set(xlabel="epoch", ylabel=name)
    plain_log(axis)
    axis.grid(alpha=0.3)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(axis.lines) <= _LABELLED:
        axis.legend(fontsize="small", framealpha=0.7, ncols=1 + (len(axis.lines) > 6))
    return figure


def _line_styles(runs: Sequence[RunCurves]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the colours and the line styles of runs by the values they stand for."""
    colours = _colours(list(dict.fromkeys(run.colour for run in runs)))
    names = dict.fromkeys(run.style for run in runs)
    return colours, {name: _STYLES[n % len(_STYLES)] for n, name in enumerate(names)}


def heat_map_figure(
    maps: Sequence[HeatMap], names: tuple[str, str], labels: tuple[Sequence[str], Sequence[str]]
) -> Figure:
    """Draw quantities over two settings, with the number in every cell.

    ``names`` and ``labels`` (their values) are of the first (vertical) and second setting.
    """
    columns = min(len(maps), 2)
    rows = -(-len(maps) // columns)
    width = max(4.2, 1.7 + 0.95 * len(labels[1]))
    height = max(2.6, 1.4 + 0.55 * len(labels[0]))
    figure = new_figure(columns * width, rows * height)
    for number, heat_map in enumerate(maps):
        axis = figure.add_subplot(rows, columns, number + 1)
        _draw_map(axis, heat_map)
        axis.set(title=heat_map.title, xlabel=names[1], ylabel=names[0])
        axis.set_xticks(range(len(labels[1])), [_end_of(label) for label in labels[1]])
        axis.set_yticks(range(len(labels[0])), [_end_of(label) for label in labels[0]])
    return figure


def _draw_map(axis: Axes, heat_map: HeatMap) -> None:
    values = heat_map.values
    norm = Normalize(*colour_range(values))
    name = MAP if heat_map.higher_is_better else f"{MAP}_r"
    palette = matplotlib.colormaps[name].with_extremes(bad="0.9")
    drawn = axis.imshow(np.ma.masked_invalid(values), cmap=palette, norm=norm, aspect="auto")
    scale = axis.figure.colorbar(drawn, ax=axis)
    scale.ax.ticklabel_format(useOffset=False)
    for (row, column), value in np.ndenumerate(values):
        known = bool(np.isfinite(value))
        text = f"{value:.3g}" if known else "-"
        colour = "w" if known and is_dark(palette(float(norm(value)))) else "k"
        axis.text(column, row, text, ha="center", va="center", color=colour)


def colour_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the colours: the finite values, and at least 10 % of the largest size."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    missing = _LEAST_RANGE * max(abs(low), abs(high)) - (high - low)
    wider = max(missing, 0.0) / 2
    return (low - wider, high + wider) if high - low + wider > 0 else (low - 0.5, high + 0.5)


def pareto_figure(
    points: Sequence[tuple[float, float, str]],
    front: Sequence[tuple[float, float, str]],
    cost: str,
    error: str,
) -> Figure:
    """Draw the error of runs against their cost; a line joins the front, which no run beats.

    Points are (cost, error, label); ``cost`` and ``error`` are titles of the axes.
    """
    figure, axis = new_chart()
    steps = {"drawstyle": "steps-post", "color": PREDICTED, "lw": 1.2, "marker": "o", "ms": 7}
    others = [point for point in points if point not in front]
    axis.plot([p[0] for p in front], [p[1] for p in front], label="Pareto front", **steps)  # type: ignore[arg-type]
    axis.plot([p[0] for p in others], [p[1] for p in others], "o", color=TRUTH, label="others")
    costs = [point[0] for point in points]
    if min(costs) > 0 and max(costs) > _LOG_RANGE * min(costs):
        plain_log(axis, "x")
    axis.margins(0.12, 0.15)
    axis.set(xlabel=cost, ylabel=error)
    axis.grid(alpha=0.3)
    _label_points(axis, points if len(points) <= _LABELLED else front)
    axis.legend(fontsize="small", framealpha=0.7)
    return figure


def _label_points(axis: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write the labels of points beside them, where they cover no other point and no label."""
    axis.autoscale_view()  # otherwise the places are those before the margins
    to_axes = axis.transData + axis.transAxes.inverted()
    places = [tuple(place) for place in to_axes.transform([(x, y) for x, y, _ in points])]
    taken: list[_Box] = [(x - 0.01, x + 0.01, y - 0.02, y + 0.02) for x, y in places]
    for (across, up), (x, y, text) in zip(places, points, strict=True):
        label = _end_of(text)
        inward = 1 if across <= 0.5 else -1
        sides = [(inward, 1), (inward, -1), (-inward, 1), (-inward, -1)]
        boxes = {side: _label_box(across, up, len(label), side) for side in sides}
        free = [side for side in sides if not any(_overlap(boxes[side], one) for one in taken)]
        right, above = side = (free or sides)[0]
        taken.append(boxes[side])
        axis.annotate(
            label, (x, y), (6 * right, 6 * above), textcoords="offset points", fontsize=9,
            ha="left" if right > 0 else "right", va="bottom" if above > 0 else "top",
        )  # fmt: skip


def _label_box(across: float, up: float, length: int, side: tuple[int, int]) -> _Box:
    """Return about where a label is, in parts of the axes; ``side``: right or left, up or down."""
    ends = (across + 0.015 * side[0], across + (0.015 + 0.0175 * length) * side[0])
    heights = (up + 0.015 * side[1], up + 0.065 * side[1])
    return min(ends), max(ends), min(heights), max(heights)


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _end_of(label: str) -> str:
    """Return the end of a long label, which says most about a path."""
    return label if len(label) <= _LABEL else "…" + label[1 - _LABEL :]


def is_dark(colour: tuple[float, ...]) -> bool:
    """Return whether white has more contrast with a colour than black (WCAG 2 luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722))) < 0.179


def _colours(names: Sequence[str]) -> dict[str, Any]:
    """Return the fixed colours, or even steps of one palette where they are too few."""
    if len(names) <= len(COLOURS):
        return dict(zip(names, COLOURS, strict=False))
    steps = np.linspace(0, 0.95, len(names))
    return dict(zip(names, matplotlib.colormaps[MAP](steps), strict=True))


def _legend(
    figure: Figure,
    title: str,
    lines: Mapping[str, Any],
    where: Literal["outside right upper", "outside right lower"],
) -> None:
    handles = [Line2D([], [], label=_end_of(name), **style) for name, style in lines.items()]
    columns = -(-len(handles) // _LEGEND_ROWS)
    figure.legend(handles=handles, title=title, loc=where, fontsize="small", ncols=columns)
