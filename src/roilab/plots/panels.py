"""Panels of event displays: channel against time, one quantity each."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, SymLogNorm
from numpy.typing import NDArray

from roilab.plots.images import (
    MASK_CLASSES,
    compare_masks,
    count_classes,
    draw_charge,
    draw_classes,
    draw_probability,
    write_note,
)
from roilab.plots.pooling import class_pool, max_pool
from roilab.plots.style import OUTLINE
from roilab.plots.view import Look, View
from roilab.types import Frame, Mask


@dataclass(frozen=True)
class Outline:
    """Contours of a mask of shape (channel, tick) of the view."""

    label: str
    mask: Mask
    colour: str = OUTLINE
    style: str = "-"


@dataclass(frozen=True, kw_only=True)
class Panel(ABC):
    """One panel; arrays have the shape (channel, tick) of the view."""

    title: str
    outlines: Sequence[Outline] = field(default=())

    def draw(self, axis: Axes, view: View, look: Look) -> None:
        """Draw the quantity, the contours and the labels of the axes."""
        self._draw(axis, view, look)
        for outline in self.outlines:
            _draw_outline(axis, outline, view, look)
        axis.set(title=self.title, xlabel=view.time_label, ylabel="channel")
        axis.set(xlim=view.extent[:2], ylim=view.extent[2:])
        axis.title.set_fontsize("medium")

    @abstractmethod
    def _draw(self, axis: Axes, view: View, look: Look) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ChargePanel(Panel):
    """Signed charge [electrons/tick], blue - white - red, in the common range of the figure."""

    charge: Frame
    label: ClassVar[str] = "charge [e / tick]"

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        limit = look.limit
        if look.linear_below is None or look.linear_below >= limit:
            norm: Normalize = Normalize(-limit, limit)
        else:
            norm = SymLogNorm(look.linear_below, vmin=-limit, vmax=limit, base=10)
        draw_charge(axis, look.rule(self.charge, look.pixels), norm, self.label, view.extent)
        if not self.charge.any():
            write_note(axis, "no charge in this part of the plane")


@dataclass(frozen=True, kw_only=True)
class AdcPanel(Panel):
    """Raw waveforms above the median of their channel, from minus to plus a limit [ADC counts]."""

    adc: Frame
    limit: float

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        shown = look.rule(self.adc, look.pixels)
        norm = Normalize(-self.limit, self.limit)
        draw_charge(axis, shown, norm, "ADC counts above median", view.extent)


@dataclass(frozen=True, kw_only=True)
class ProbabilityPanel(Panel):
    """ROI probability from 0 to 1; a pixel of the figure shows its largest."""

    probability: Frame

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        draw_probability(axis, max_pool(self.probability, look.pixels), view.extent)


@dataclass(frozen=True, kw_only=True)
class ClassPanel(Panel):
    """Every pixel belongs to one class or to none; the legend gives the pixels of every class.

    Attributes:
        classes: 0 for none, n for the n-th class.
        names: colours of the classes by name.
    """

    classes: NDArray[np.uint8]
    names: Mapping[str, str]

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        shown = class_pool(self.classes, len(self.names) + 1, look.pixels)
        counts = count_classes(self.classes, len(self.names))
        draw_classes(axis, shown, self.names, counts, view.extent)


@dataclass(frozen=True, kw_only=True)
class AbsentPanel(Panel):
    """A panel that says why there is nothing to draw."""

    text: str

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        axis.set_facecolor("0.95")
        write_note(axis, self.text)


def against_truth(title: str, truth: Mask, roi_mask: Mask) -> ClassPanel:
    """Return a panel of pixels in both masks, missed pixels and extra pixels."""
    return ClassPanel(title=title, classes=compare_masks(truth, roi_mask), names=MASK_CLASSES)


def _draw_outline(axis: Axes, outline: Outline, view: View, look: Look) -> None:
    if not outline.mask.any():
        return
    # One empty pixel around, so that a contour closes at the edges and in a view of one row.
    shown = np.pad(max_pool(outline.mask.astype(np.float32), look.pixels), 1)
    rows, columns = shown.shape
    left, right, bottom, top = view.extent
    wide, high = (right - left) / (columns - 2), (top - bottom) / (rows - 2)
    x = left + wide * (np.arange(columns) - 0.5)
    y = bottom + high * (np.arange(rows) - 0.5)
    colour, style = outline.colour, outline.style
    axis.contour(x, y, shown, levels=[0.5], colors=colour, linestyles=style, linewidths=0.6)
