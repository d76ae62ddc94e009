"""Colours and size of every figure; figures need no display."""

import io
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

TRUTH, PREDICTED = "#0072B2", "#D55E00"  # Okabe-Ito blue and vermilion: colour-blind safe
COLOURS = (TRUTH, PREDICTED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
OUTLINE = COLOURS[2]  # of masks on charge, where blue and red are signs of the charge
NETWORK_COLOURS = (PREDICTED, COLOURS[2], COLOURS[3], COLOURS[5])  # networks and thresholds
CLASSICAL = COLOURS[6]
CHARGE_COLOURS = "RdBu_r"  # blue - white - red, white at zero charge
PROBABILITY_COLOURS = "viridis"
INSIDE = "0.25"  # of pixels inside a mask
_TITLE_CHARACTERS = 11  # in an inch of a figure's title


class ShownFigure(Figure):
    """Figure that a notebook shows, also where pyplot is not imported."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png")
        return stream.getvalue()


def figure_pixels(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as an RGB picture (row, column, colour)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of the given size [inch], without display and global state."""
    figure = ShownFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def write_title(figure: Figure, title: str) -> None:
    """Write a title above a figure; lines longer than the figure are broken."""
    most = max(20, int(_TITLE_CHARACTERS * figure.get_figwidth()))
    figure.suptitle("\n".join(fill(line, most) for line in title.splitlines()))


def new_chart() -> tuple[Figure, Axes]:
    """Return an empty figure with axes, small enough for a phone; its margins take no time."""
    figure = ShownFigure(figsize=(4.8, 3.5))
    FigureCanvasAgg(figure)
    return figure, figure.add_axes((0.155, 0.15, 0.825, 0.81))
