"""Settings of displays: the keys of ``display`` in ``conf/display.yaml``."""

from collections.abc import Sequence
from dataclasses import dataclass

from roilab.config import read_part
from roilab.errors import RoilabError
from roilab.plots.pooling import Rule, max_pool, mean_pool
from roilab.plots.view import PANEL
from roilab.types import Range

PICTURES = ("display", "waveforms", "evolution", "comparison")
_RULES: dict[str, Rule] = {"max": max_pool, "mean": mean_pool}


class DisplayError(RoilabError):
    """The picture that the user named cannot be drawn."""


@dataclass(frozen=True, kw_only=True)
class DisplaySettings:
    """Settings of displays; ``conf/display.yaml`` gives the meaning and default of every key."""

    pictures: Sequence[str] | None
    formats: Sequence[str]
    dpi: int
    html: bool
    html_mb: float
    zoom: str
    zoom_margin: tuple[int, int]
    zoom_part: float
    zoom_window: tuple[int, int]
    channels: Sequence[int] | None
    ticks: Sequence[int] | None
    channel: int | None
    margin: int
    panels: Sequence[str] | None
    columns: int
    chain: Sequence[str]
    adc_tags: Sequence[str]
    mask_tags: Sequence[str]
    outline_ticks: float
    axis: str
    scale: str
    linear_below: float
    charge_limit: float | None
    pool: str
    charge_cut: float | None

    def __post_init__(self) -> None:
        read_part("roilab.display.settings.DisplaySettings", vars(self), "display")

    @property
    def pixels(self) -> tuple[int, int]:
        """Rows and columns of a panel's image; with more than are drawn, thin tracks vanish."""
        return round(PANEL[0] * self.dpi), round(PANEL[1] * self.dpi)

    @property
    def rule(self) -> Rule:
        """Pooling of samples to pixels."""
        return _RULES[self.pool]


def part_of(every: Range, asked: Sequence[int] | None, key: str, what: str) -> Range:
    """Return a range of the user, cut to the range that exists.

    Raises:
        DisplayError: it is no range, or lies outside.
    """
    if asked is None:
        return every
    if len(asked) != 2 or asked[0] >= asked[1]:
        raise DisplayError(
            f"display.{key}={list(asked)}; expected [first, last + 1] with first below last + 1."
        )
    begin, end = max(every[0], asked[0]), min(every[1], asked[1])
    if begin >= end:
        raise DisplayError(
            f"display.{key}={list(asked)}: {what} holds {every[0]} to {every[1] - 1}; choose a "
            "range within."
        )
    return begin, end
