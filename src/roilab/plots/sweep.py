"""Runs of a sweep: losses against epoch, and maps over two swept settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from roilab.plots.curves import Curve
from roilab.plots.style import COLOURS, new_figure

_STYLES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
_LEGEND_ROWS = 16
_LABEL = 24  # most characters of a label
_MAP = "viridis"  # even steps of lightness, also for the colour-blind


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


def sweep_loss_figure(runs: Sequence[RunCurves], colour_title: str, style_title: str) -> Figure:
    """Draw training loss on the left and validation loss on the right, a line for every run.

    The titles are the settings that colours and line styles stand for; ``style_title`` may be
    empty. The legends keep the order of the runs.
    """
    colours = _colours(list(dict.fromkeys(run.colour for run in runs)))
    names = dict.fromkeys(run.style for run in runs)
    styles = {name: _STYLES[n % len(_STYLES)] for n, name in enumerate(names)}
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
        _draw_map(axis, heat_map.values)
        axis.set(title=heat_map.title, xlabel=names[1], ylabel=names[0])
        axis.set_xticks(range(len(labels[1])), [_end_of(label) for label in labels[1]])
        axis.set_yticks(range(len(labels[0])), [_end_of(label) for label in labels[0]])
    return figure


def _draw_map(axis: Axes, values: NDArray[np.float64]) -> None:
    finite = values[np.isfinite(values)]
    norm = Normalize(finite.min(), finite.max()) if finite.size else Normalize(0, 1)
    palette = matplotlib.colormaps[_MAP].with_extremes(bad="0.9")
    drawn = axis.imshow(np.ma.masked_invalid(values), cmap=palette, norm=norm, aspect="auto")
    scale = axis.figure.colorbar(drawn, ax=axis)
    scale.ax.ticklabel_format(useOffset=False)
    for (row, column), value in np.ndenumerate(values):
        known = bool(np.isfinite(value))
        text = f"{value:.3g}" if known else "-"
        colour = "w" if known and _is_dark(palette(float(norm(value)))) else "k"
        axis.text(column, row, text, ha="center", va="center", color=colour)


def _end_of(label: str) -> str:
    """Return the end of a long label, which says most about a path."""
    return label if len(label) <= _LABEL else "…" + label[1 - _LABEL :]


def _is_dark(colour: tuple[float, ...]) -> bool:
    """Return whether white has more contrast with a colour than black (WCAG 2 luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722))) < 0.179


def _colours(names: Sequence[str]) -> dict[str, Any]:
    """Return the fixed colours, or even steps of one palette where they are too few."""
    if len(names) <= len(COLOURS):
        return dict(zip(names, COLOURS, strict=False))
    steps = np.linspace(0, 0.95, len(names))
    return dict(zip(names, matplotlib.colormaps[_MAP](steps), strict=True))


def _legend(
    figure: Figure,
    title: str,
    lines: Mapping[str, Any],
    where: Literal["outside right upper", "outside right lower"],
) -> None:
    handles = [Line2D([], [], label=_end_of(name), **style) for name, style in lines.items()]
    columns = -(-len(handles) // _LEGEND_ROWS)
    figure.legend(handles=handles, title=title, loc=where, fontsize="small", ncols=columns)
