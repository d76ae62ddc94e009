"""An image as the network receives it, with truth mask and prediction."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from roilab.plots.images import (
    MASK_CLASSES,
    compare_masks,
    count_classes,
    draw_charge,
    draw_classes,
    draw_probability,
)
from roilab.plots.style import CHARGE_COLOURS, new_figure
from roilab.types import Frame, Mask


def event_figure(
    image: Frame,
    truth_mask: Mask,
    probability: Frame,
    layers: Sequence[str],
    mask_thresh: float,
    title: str,
) -> Figure:
    """Draw input layers, probability, and predicted mask against truth, channel against slice.

    The image, input of the network, has the shape (layer, channel, slice), truth mask and ROI
    probability have (channel, slice).
    """
    panels = len(layers) + 2
    columns = 3 if panels > 4 else 2
    rows = -(-panels // columns)
    figure = new_figure(4.6 * columns, 3.9 * rows)
    axes = [figure.add_subplot(rows, columns, n + 1) for n in range(panels)]
    for layer, axis in zip(image, axes, strict=False):
        _draw_layer(axis, layer)
    draw_probability(axes[-2], probability)
    classes = compare_masks(truth_mask, probability > mask_thresh)
    draw_classes(axes[-1], classes, MASK_CLASSES, count_classes(classes, len(MASK_CLASSES)))
    titles = (*layers, "ROI probability", "ROI mask against truth [pixels]")
    for axis, name in zip(axes, titles, strict=True):
        axis.set(title=name, xlabel="slice", ylabel="channel (row)")
    figure.suptitle(title)
    return figure


def charge_pixels(layer: Frame) -> NDArray[np.uint8]:
    """Return a layer (channel, slice) as an RGB picture (channel, slice, colour)."""
    colours: NDArray[np.uint8] = colormaps[CHARGE_COLOURS](_range(layer)(layer), bytes=True)
    return colours[..., :3]


def _draw_layer(axis: Axes, layer: Frame) -> None:
    draw_charge(axis, layer, _range(layer), "scaled charge")


def _range(layer: Frame) -> Normalize:
    """Return a range symmetric around zero: 99.5% of a charge, all of a mostly empty mask."""
    size = np.abs(layer)
    sparse = np.count_nonzero(layer) < 0.1 * layer.size
    limit = float(size.max() if sparse else np.quantile(size, 0.995)) or 1.0
    return Normalize(-limit, limit)
