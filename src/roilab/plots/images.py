"""Primitives of images, channel against time: charge, probability, masks, legends, notes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from numpy.typing import NDArray

from roilab.plots.style import CHARGE_COLOURS, PREDICTED, PROBABILITY_COLOURS, TRUTH
from roilab.types import Frame, Mask

Extent = tuple[float, float, float, float]  # left, right, bottom, top of the axes
MASK_CLASSES = {"both": "black", "missed": TRUTH, "extra": PREDICTED}
_LONG = 16  # characters of a class; longer ones stand below each other in the legend
_IMAGE: dict[str, Any] = {"aspect": "auto", "origin": "lower", "interpolation": "nearest"}


def draw_charge(
    axis: Axes,
    charge: Frame,
    norm: Normalize,
    label: str,
    extent: Extent | None = None,
    colours: str | Colormap = CHARGE_COLOURS,
) -> None:
    """Draw signed charge with its colour bar."""
    drawn = axis.imshow(charge, norm=norm, cmap=colours, extent=extent, **_IMAGE)
    _draw_bar(axis, drawn, label)


def draw_probability(
    axis: Axes,
    probability: Frame,
    extent: Extent | None = None,
    colours: str | Colormap = PROBABILITY_COLOURS,
) -> None:
    """Draw ROI probability from 0 to 1 with its colour bar."""
    drawn = axis.imshow(probability, vmin=0, vmax=1, cmap=colours, extent=extent, **_IMAGE)
    _draw_bar(axis, drawn, "ROI probability")


def _draw_bar(axis: Axes, drawn: AxesImage, label: str) -> None:
    bar = axis.figure.colorbar(drawn, ax=axis, label=label)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)  # one picture in an SVG, not 256 rectangles


def compare_masks(truth: Mask, roi_mask: Mask) -> NDArray[np.uint8]:
    """Return the class of every pixel: 0 for none, else 1 + its index in ``MASK_CLASSES``."""
    classes: NDArray[np.uint8] = np.select(
        [truth & roi_mask, truth, roi_mask], np.arange(1, 4, dtype=np.uint8)
    )
    return classes


def draw_classes(
    axis: Axes,
    classes: NDArray[np.integer[Any]],
    colours: Mapping[str, str],
    counts: Sequence[int],
    extent: Extent | None = None,
) -> None:
    """Draw the class of every pixel, and a legend below with the pixels of every class.

    Class 0 is none and stays transparent, class n is the n-th of ``colours`` and ``counts``.
    """
    palette = ListedColormap(["none", *colours.values()])
    axis.imshow(classes, vmin=0, vmax=len(colours), cmap=palette, extent=extent, **_IMAGE)
    handles: list[Artist] = [
        Patch(color=colour, label=f"{name} {count:,}")
        for (name, colour), count in zip(colours.items(), counts, strict=True)
    ]
    longest = max(len(name) for name in colours)
    columns = 2 if len(handles) == 4 else 3
    axis.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        ncol=columns if longest <= _LONG else 1,
        frameon=False,
        fontsize="small",
        handlelength=1,
        columnspacing=1,
    )


def count_classes(classes: NDArray[np.uint8], n_classes: int) -> list[int]:
    """Return the number of pixels of every class but 0."""
    return [int(count) for count in np.bincount(classes.ravel(), minlength=n_classes + 1)[1:]]


def write_note(axis: Axes, text: str) -> None:
    """Write a sentence in the middle of a panel."""
    axis.text(
        *(0.5, 0.5, text),
        transform=axis.transAxes,
        ha="center",
        va="center",
        wrap=True,
        fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "0.7", "alpha": 0.8},
    )
