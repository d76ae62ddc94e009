"""How every figure of roilab looks; drawn without a display."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

TRUTH, PREDICTED = "#0072B2", "#D55E00"  # Okabe-Ito blue and vermilion: colour-blind safe
COLOURS = (TRUTH, PREDICTED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
OUTLINE = COLOURS[2]  # on charge, where blue and red have a meaning
FOUND = (PREDICTED, COLOURS[2], COLOURS[3], COLOURS[5])  # of networks and thresholds, in order
CLASSICAL = COLOURS[6]
CHARGE_COLOURS = "RdBu_r"  # blue - white - red, white at zero charge


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size [inch] that needs no display and no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
