"""Panels of event displays: channel against time, one quantity each."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize, SymLogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from roilab.plots.pooling import class_pooled, max_pooled
from roilab.plots.style import CHARGE_COLOURS, OUTLINE, PREDICTED, TRUTH
from roilab.plots.view import Look, View

Frame = NDArray[np.float32]
Mask = NDArray[np.bool_]
_IMAGE: dict[str, Any] = {"aspect": "auto", "origin": "lower", "interpolation": "nearest"}


@dataclass(frozen=True)
class Outline:
    """Contours of a mask.

    Attributes:
        label: for the legend.
        mask: shape (channel, tick) of the view.
        colour: of the line.
        style: of the line.
    """

    label: str
    mask: Mask
    colour: str = OUTLINE
    style: str = "-"


@dataclass(frozen=True, kw_only=True)
class Panel(ABC):
    """One panel; arrays have the shape (channel, tick) of the view.

    Attributes:
        title: above it.
        outlines: contours drawn on it.
    """

    title: str
    outlines: Sequence[Outline] = field(default=())

    def draw(self, axis: Axes, view: View, look: Look) -> None:
        """Draw everything of the panel."""
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
    """Signed charge, blue - white - red around zero, in the figure's common range."""

    charge: Frame
    label: ClassVar[str] = "charge [e / tick]"

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        limit = look.limit
        if look.linear_below is None or look.linear_below >= limit:
            norm: Normalize = Normalize(-limit, limit)
        else:
            norm = SymLogNorm(look.linear_below, vmin=-limit, vmax=limit, base=10)
        _draw_image(axis, look.rule(self.charge, look.pixels), view, norm, self.label)
        if not self.charge.any():
            say(axis, "no charge in this part of the plane")


@dataclass(frozen=True, kw_only=True)
class AdcPanel(Panel):
    """A raw waveform's height above the median of its channel, in a range of its own.

    Attributes:
        limit: the colours reach from minus to plus this height [ADC].
    """

    adc: Frame
    limit: float

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        shown = look.rule(self.adc, look.pixels)
        norm = Normalize(-self.limit, self.limit)
        _draw_image(axis, shown, view, norm, "ADC counts above median")


@dataclass(frozen=True, kw_only=True)
class ProbabilityPanel(Panel):
    """ROI probability from 0 to 1; the largest in a pixel is shown."""

    probability: Frame

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        shown = max_pooled(self.probability, look.pixels)
        drawn = axis.imshow(shown, vmin=0, vmax=1, cmap="viridis", extent=view.extent, **_IMAGE)
        axis.figure.colorbar(drawn, ax=axis, label="ROI probability")


@dataclass(frozen=True, kw_only=True)
class ClassPanel(Panel):
    """Every pixel belongs to nothing or to one of some classes.

    Attributes:
        classes: 0 for nothing, n for the n-th name.
        names: of the classes, and their colours; the legend tells how many pixels each has.
    """

    classes: NDArray[np.uint8]
    names: Mapping[str, str]

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        shown = class_pooled(self.classes, len(self.names) + 1, look.pixels)
        colours = ListedColormap(["white", *self.names.values()])
        axis.imshow(shown, vmin=0, vmax=len(self.names), cmap=colours, extent=view.extent, **_IMAGE)
        counts = np.bincount(self.classes.ravel(), minlength=len(self.names) + 1)[1:]
        handles = [
            Patch(color=colour, label=f"{name} {count:,}")
            for (name, colour), count in zip(self.names.items(), counts, strict=True)
        ]
        _legend(axis, handles)


@dataclass(frozen=True, kw_only=True)
class AbsentPanel(Panel):
    """Says why there is nothing to see."""

    text: str

    def _draw(self, axis: Axes, view: View, look: Look) -> None:
        axis.set_facecolor("0.95")
        say(axis, self.text)


def against_truth(title: str, truth: Mask, roi_mask: Mask) -> ClassPanel:
    """What a ROI mask has in common with truth, what it misses and what it has beyond."""
    classes = (truth & roi_mask) * 1 + (truth & ~roi_mask) * 2 + (roi_mask & ~truth) * 3
    names = {"both": "black", "missed": TRUTH, "extra": PREDICTED}
    return ClassPanel(title=title, classes=classes.astype(np.uint8), names=names)


def say(axis: Axes, text: str) -> None:
    """A sentence in the middle of a panel."""
    axis.text(
        *(0.5, 0.5, text),
        transform=axis.transAxes,
        ha="center",
        va="center",
        wrap=True,
        fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "0.7", "alpha": 0.8},
    )


def _draw_image(axis: Axes, image: Frame, view: View, norm: Normalize, label: str) -> None:
    drawn = axis.imshow(image, norm=norm, cmap=CHARGE_COLOURS, extent=view.extent, **_IMAGE)
    axis.figure.colorbar(drawn, ax=axis, label=label)


def _draw_outline(axis: Axes, outline: Outline, view: View, look: Look) -> None:
    if not outline.mask.any():
        return
    # One empty pixel around, so that a contour closes at the edges and in a view of one row.
    shown = np.pad(max_pooled(outline.mask.astype(np.float32), look.pixels), 1)
    rows, columns = shown.shape
    left, right, bottom, top = view.extent
    wide, high = (right - left) / (columns - 2), (top - bottom) / (rows - 2)
    x = left + wide * (np.arange(columns) - 0.5)
    y = bottom + high * (np.arange(rows) - 0.5)
    colour, style = outline.colour, outline.style
    axis.contour(x, y, shown, levels=[0.5], colors=colour, linestyles=style, linewidths=0.6)


def _legend(axis: Axes, handles: Sequence[Any]) -> None:
    axis.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        ncol=2 if len(handles) == 4 else 3,
        frameon=False,
        fontsize="x-small",
        handlelength=1,
        columnspacing=1,
    )


def outline_handles(outlines: Sequence[Outline]) -> list[Line2D]:
    """For the legend of a figure."""
    return [
        Line2D([], [], color=outline.colour, ls=outline.style, label=outline.label)
        for outline in outlines
    ]
