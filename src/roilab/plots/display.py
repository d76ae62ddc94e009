"""Panels of one plane in a grid: event displays, and comparisons of networks or thresholds."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from roilab.plots.images import write_note
from roilab.plots.panels import Panel
from roilab.plots.style import new_figure, write_title
from roilab.plots.view import Look, View


def display_figure(
    panels: Sequence[Panel],
    view: View,
    look: Look,
    columns: int,
    title: str,
    marked: int | None = None,
) -> Figure:
    """Draw panels of one plane on common axes, at most ``columns`` in a row.

    A dotted line marks the channel ``marked``.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(5.2 * columns, 0.6 + 3.6 * rows)
    for number, panel in enumerate(panels):
        axis = figure.add_subplot(rows, columns, number + 1)
        panel.draw(axis, view, look)
        if marked is not None:
            axis.axhline(marked, color="0.35", lw=0.6, ls=":")
    outlines = {outline.label: outline for panel in panels for outline in panel.outlines}
    handles = [
        Line2D([], [], color=outline.colour, ls=outline.style, label=label)
        for label, outline in outlines.items()
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncol=4, fontsize="small")
    write_title(figure, title)
    return figure


def comparison_figure(
    panels: Sequence[Panel],
    truth: NDArray[np.float64] | None,
    losses: Mapping[str, NDArray[np.float64]],
    colours: Mapping[str, str],
    view: View,
    look: Look,
    columns: int,
    title: str,
) -> Figure:
    """Draw panels, and below them the charge that every method loses in every channel.

    Args:
        panels: masks against truth, then against each other.
        truth: truth charge of every channel [electrons]; ``None`` without truth.
        losses: truth minus reconstructed charge of every channel [electrons], by method.
        colours: line colour of every method.
        view: the part of the plane that is drawn.
        look: how charge is drawn.
        columns: most panels in a row.
        title: of the figure.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(max(8.0, 4.8 * columns), 0.6 + 3.8 * rows + 3.2)
    grid = figure.add_gridspec(rows + 1, columns)
    for number, panel in enumerate(panels):
        panel.draw(figure.add_subplot(grid[divmod(number, columns)]), view, look)
    axis = figure.add_subplot(grid[-1, :])
    axis.set(title="charge lost in each channel: truth minus reconstructed", xlabel="channel")
    axis.set(ylabel="charge [1000 e]", xlim=view.extent[2:])
    if truth is None:
        write_note(axis, "no truth charge: the lost charge is not known")
    else:
        _draw_losses(axis, np.arange(*view.channels), truth, losses, colours)
    write_title(figure, title)
    return figure


def _draw_losses(
    axis: Axes,
    channels: NDArray[np.int64],
    truth: NDArray[np.float64],
    losses: Mapping[str, NDArray[np.float64]],
    colours: Mapping[str, str],
) -> None:
    label = f"truth: {truth.sum():.4g} e"
    axis.fill_between(channels, truth / 1e3, step="mid", color="0.88", label=label)
    total = max(float(truth.sum()), 1.0)
    for name, lost in losses.items():
        label = f"{name}: {lost.sum():.4g} e lost ({100 * lost.sum() / total:.1f} %)"
        axis.step(channels, lost / 1e3, where="mid", color=colours[name], lw=0.9, label=label)
    axis.axhline(0, color="0.5", lw=0.8)
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.2), ncol=2)
