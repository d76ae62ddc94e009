"""The part of a plane that is drawn, and how charge is drawn: common to all panels of a figure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.plots.pooling import Rule, Shape
from roilab.types import Range

PANEL = (2.7, 3.3)  # height and width of a panel's image, rounded down [inch]


@dataclass(frozen=True)
class View:
    """The part of a plane that is drawn, and the units of its axes.

    Attributes:
        channels: half-open range of channel ids.
        ticks: half-open range.
        tick_us: length of a tick [us].
        start_us: time of tick 0 [us].
        in_us: the time axis in microseconds, else in ticks.
    """

    channels: Range
    ticks: Range
    tick_us: float
    start_us: float
    in_us: bool

    def time(self, tick: float) -> float:
        """Convert a tick to the units of the time axis."""
        return self.start_us + tick * self.tick_us if self.in_us else float(tick)

    @property
    def times(self) -> NDArray[np.float64]:
        """Every tick of the view in the units of the time axis."""
        ticks = np.arange(*self.ticks, dtype=np.float64)
        return self.start_us + ticks * self.tick_us if self.in_us else ticks

    @property
    def time_label(self) -> str:
        """Label of the time axis."""
        return "time [us]" if self.in_us else f"tick [{1000 * self.tick_us:g} ns]"

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Extent for ``imshow``: pixels are centred on their channel and tick."""
        begin, end = (self.time(tick - 0.5) for tick in self.ticks)
        return (begin, end, self.channels[0] - 0.5, self.channels[1] - 0.5)


@dataclass(frozen=True)
class Look:
    """How charge is drawn, the same in all panels of a figure.

    Attributes:
        limit: the colours reach from minus to plus this charge [electrons/tick].
        linear_below: linear colours up to this charge, a signed logarithm above [electrons/tick];
            ``None`` for linear colours everywhere.
        rule: pools samples to the pixels of a panel.
        pixels: most rows and columns of a panel's image.
    """

    limit: float
    linear_below: float | None
    rule: Rule
    pixels: Shape
