"""An image as the network receives it, with truth and prediction."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from roilab.event_image import EventImage, is_mask
from roilab.plots.images import (
    MASK_CLASSES,
    compare_masks,
    count_classes,
    draw_charge,
    draw_classes,
    draw_probability,
)
from roilab.plots.pooling import class_pool, max_pool
from roilab.plots.style import CHARGE_COLOURS, INSIDE, PROBABILITY_COLOURS, new_figure, write_title
from roilab.types import Frame, Mask

Draw = Callable[[Axes], None]
_PIXELS = (360, 480)  # most rows and columns of a panel, so that thin tracks do not vanish


def event_figure(event: EventImage, title: str) -> Figure:
    """Draw all panels of an event side by side, channel against tick."""
    panels = event_panels(event, CHARGE_COLOURS, PROBABILITY_COLOURS, MASK_CLASSES, INSIDE)
    columns = 3 if len(panels) > 4 else 2
    rows = -(-len(panels) // columns)
    figure = new_figure(4.6 * columns, 3.9 * rows)
    for number, draw in enumerate(panels.values()):
        draw(figure.add_subplot(rows, columns, number + 1))
    write_title(figure, title)
    return figure


def event_panels(
    event: EventImage,
    charge_colours: str | Colormap,
    probability_colours: str | Colormap,
    classes: Mapping[str, str],
    inside: str,
) -> dict[str, Draw]:
    """Return functions that draw one panel each, by title.

    Layers, ROI probability, ROI mask against truth mask, truth charge. A layer that is a mask has
    two colours. Charges have one range, that of the truth.

    Args:
        event: the image.
        charge_colours: of signed charge.
        probability_colours: from 0 to 1.
        classes: colours of pixels in both masks, missed and extra ones.
        inside: colour of a layer that is a mask.
    """
    limit = _limit(event)
    charge = partial(_draw_charge, event=event, limit=limit, colours=charge_colours)
    panels: dict[str, Draw] = {}
    for name, layer in zip(event.names, event.layers, strict=True):
        draw = (
            partial(_draw_mask, event, layer, inside) if is_mask(layer) else partial(charge, layer)
        )
        panels[name] = draw
    panels["ROI probability"] = partial(_draw_probability, event, probability_colours)
    panels["ROI mask against truth [pixels]"] = partial(_draw_against_truth, event, classes)
    panels["truth charge"] = partial(charge, event.truth)
    return {title: partial(_draw_panel, event, title, draw) for title, draw in panels.items()}


def _draw_panel(event: EventImage, title: str, draw: Draw, axis: Axes) -> None:
    draw(axis)
    label = "channel (row)" if event.channels is None else "channel"
    axis.set(title=title, xlabel="tick", ylabel=label)
    axis.title.set_fontsize("medium")


def _limit(event: EventImage) -> float:
    """Return the end of the colours of charge: 90 % of the true charges are below."""
    charge = event.truth[event.truth_mask]
    if charge.size == 0:
        charge = np.abs(event.layers)
    return float(np.quantile(charge, 0.9)) or 1.0


def _draw_charge(
    charge: Frame, axis: Axes, event: EventImage, limit: float, colours: str | Colormap
) -> None:
    norm = Normalize(-limit, limit)
    shown = max_pool(charge, _PIXELS)
    draw_charge(axis, shown, norm, "charge [e / tick]", event.extent, colours)


def _draw_mask(event: EventImage, layer: Frame, colour: str, axis: Axes) -> None:
    _draw_classes(event, (layer != 0).astype(np.uint8), {"pixels inside": colour}, axis)


def _draw_probability(event: EventImage, colours: str | Colormap, axis: Axes) -> None:
    draw_probability(axis, max_pool(event.probability, _PIXELS), event.extent, colours)


def _draw_against_truth(event: EventImage, classes: Mapping[str, str], axis: Axes) -> None:
    roi_mask: Mask = event.probability > event.mask_thresh
    _draw_classes(event, compare_masks(event.truth_mask, roi_mask), classes, axis)


def _draw_classes(
    event: EventImage, classes: np.ndarray, names: Mapping[str, str], axis: Axes
) -> None:
    shown = class_pool(classes, len(names) + 1, _PIXELS)
    draw_classes(axis, shown, names, count_classes(classes, len(names)), event.extent)


def charge_pixels(layer: Frame) -> NDArray[np.uint8]:
    """Return a layer (channel, slice) as an RGB picture (channel, slice, colour)."""
    colours: NDArray[np.uint8] = colormaps[CHARGE_COLOURS](_range(layer)(layer), bytes=True)
    return colours[..., :3]


def _range(layer: Frame) -> Normalize:
    """Return a range symmetric around zero: 99.5% of a charge, all of a mostly empty mask."""
    size = np.abs(layer)
    sparse = np.count_nonzero(layer) < 0.1 * layer.size
    limit = float(size.max() if sparse else np.quantile(size, 0.995)) or 1.0
    return Normalize(-limit, limit)
