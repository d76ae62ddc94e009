"""Panels of one plane in a grid: the event display."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from roilab.plots.panels import Panel
from roilab.plots.style import new_figure
from roilab.plots.view import Look, View


def display_figure(
    panels: Sequence[Panel],
    view: View,
    look: Look,
    columns: int,
    title: str,
    marked: int | None = None,
) -> Figure:
    """Draw panels of one plane on common axes.

    Args:
        panels: in reading order.
        view: the part of the plane that is drawn.
        look: how charge is drawn.
        columns: most panels in a row.
        title: of the figure: file, event, anode, plane.
        marked: a channel to draw a line at.
    """
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(5.2 * columns, 0.6 + 3.6 * rows)
    for number, panel in enumerate(panels):
        axis = figure.add_subplot(rows, columns, number + 1)
        panel.draw(axis, view, look)
        if marked is not None:
            axis.axhline(marked, color="0.35", lw=0.6, ls=":")
    _add_outline_legend(figure, panels)
    figure.suptitle(title)
    return figure


def _add_outline_legend(figure: Figure, panels: Sequence[Panel]) -> None:
    """Add one legend below all panels, with every kind of contour once."""
    outlines = {outline.label: outline for panel in panels for outline in panel.outlines}
    handles = [
        Line2D([], [], color=outline.colour, ls=outline.style, label=label)
        for label, outline in outlines.items()
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncol=4, fontsize="small")
