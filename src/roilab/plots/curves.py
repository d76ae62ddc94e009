"""Loss and metrics against epoch."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from roilab.plots.style import COLOURS, PREDICTED, TRUTH, new_figure

Curve = Sequence[tuple[int, float]]


def loss_figure(curves: Mapping[str, Curve]) -> Figure:
    """Draw losses on the left and validation metrics on the right.

    Curves are (epoch, value) pairs by logged name, such as ``train/loss``.
    """
    figure = new_figure(9.5, 3.8)
    loss, metrics = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    for name, colour in (("train/loss", TRUTH), ("val/loss", PREDICTED)):
        if name in curves:
            loss.plot(*zip(*curves[name], strict=True), "o-", ms=3, color=colour, label=name)
    shown = [name for name in curves if name.startswith("val/") and name != "val/loss"]
    for name, colour in zip(shown, cycle(COLOURS), strict=False):
        label = name.removeprefix("val/").replace("_", " ")
        metrics.plot(*zip(*curves[name], strict=True), "o-", ms=3, color=colour, label=label)
    loss.set(xlabel="epoch", ylabel="loss", yscale="log")
    metrics.set(xlabel="epoch", ylabel="validation metric", ylim=(0, 1.02))
    for axis in (loss, metrics):
        axis.grid(alpha=0.3)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize="small")
    return figure
