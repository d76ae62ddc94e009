"""An image as the network sees it, beside what is true and what it finds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from roilab.plots.style import CHARGE_COLOURS, PREDICTED, TRUTH, new_figure


def event_figure(
    image: NDArray[np.float32],
    truth_mask: NDArray[np.bool_],
    probability: NDArray[np.float32],
    layers: Sequence[str],
    mask_thresh: float,
    title: str,
) -> Figure:
    """Input layers, probability, and predicted mask against truth, channel against slice.

    Args:
        image: input layers as the network gets them, shape (layer, channel, slice).
        truth_mask: shape (channel, slice).
        probability: ROI probability, shape (channel, slice).
        layers: names of the layers.
        mask_thresh: on the probability.
        title: of the figure: event and plane.
    """
    panels = len(layers) + 2
    columns = 3 if panels > 4 else 2
    rows = -(-panels // columns)
    figure = new_figure(4.6 * columns, 3.9 * rows)
    axes = [figure.add_subplot(rows, columns, n + 1) for n in range(panels)]
    for layer, name, axis in zip(image, layers, axes, strict=False):
        _draw_layer(axis, layer, name)
    drawn = axes[len(layers)].imshow(probability, vmin=0, vmax=1, cmap="viridis", **_IMAGE)
    _label(axes[len(layers)], "ROI probability")
    figure.colorbar(drawn, ax=axes[len(layers)])
    _draw_masks(axes[-1], truth_mask, probability > mask_thresh)
    figure.suptitle(title)
    return figure


_IMAGE: dict[str, Any] = {"aspect": "auto", "origin": "lower", "interpolation": "nearest"}


def _draw_layer(axis: Axes, layer: NDArray[np.float32], name: str) -> None:
    """Symmetric range around zero: almost all of a charge, the whole of a mostly empty mask."""
    size = np.abs(layer)
    sparse = np.count_nonzero(layer) < 0.1 * layer.size
    limit = float(size.max() if sparse else np.quantile(size, 0.995)) or 1.0
    drawn = axis.imshow(layer, vmin=-limit, vmax=limit, cmap=CHARGE_COLOURS, **_IMAGE)
    axis.figure.colorbar(drawn, ax=axis, label="scaled charge")
    _label(axis, name)


def _draw_masks(axis: Axes, truth_mask: NDArray[np.bool_], roi_mask: NDArray[np.bool_]) -> None:
    """Common pixels black, missed ones blue, extra ones vermilion."""
    colours = ListedColormap(["white", TRUTH, PREDICTED, "black"])
    axis.imshow(truth_mask + 2 * roi_mask, vmin=0, vmax=3, cmap=colours, **_IMAGE)
    missed, extra = int((truth_mask & ~roi_mask).sum()), int((roi_mask & ~truth_mask).sum())
    _label(axis, "ROI mask against truth [pixels]")
    both = int((truth_mask & roi_mask).sum())
    names = {f"both {both}": "black", f"missed {missed}": TRUTH, f"extra {extra}": PREDICTED}
    patches = [Patch(color=colour, label=name) for name, colour in names.items()]
    axis.legend(
        handles=patches,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.13),
        ncol=3,
        frameon=False,
        fontsize="x-small",
        handlelength=1,
        columnspacing=1,
    )


def _label(axis: Axes, title: str) -> None:
    axis.set(title=title, xlabel="slice", ylabel="channel (row)")
