"""Maps of two swept settings as tables with coloured cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps

from roilab.plots.sweep import MAP, HeatMap, colour_range, is_dark


@dataclass(frozen=True)
class HeatCell:
    """A number, its colours, and whether it is the best of its map."""

    text: str
    back: str = ""
    colour: str = ""
    best: bool = False


@dataclass(frozen=True)
class HeatTable:
    """One map: settings down and across, and rows of cells."""

    title: str
    corner: str
    across: Sequence[str]
    rows: Sequence[tuple[str, Sequence[HeatCell]]]


def heat_table(
    heat_map: HeatMap, names: tuple[str, str], labels: tuple[Sequence[str], Sequence[str]]
) -> HeatTable:
    """Return a map as a table; bright is good, in every map.

    Args:
        heat_map: the numbers.
        names: of the setting down and of the setting across (may be empty).
        labels: values of both settings.
    """
    values, higher = heat_map.values, heat_map.higher_is_better
    low, high = colour_range(values)
    best = (np.nanmax if higher else np.nanmin)(values)
    palette = colormaps[MAP]

    def cell(value: float) -> HeatCell:
        if not np.isfinite(value):
            return HeatCell("-")
        part = (value - low) / (high - low)
        shade = palette(part if higher else 1 - part)
        back = "#" + "".join(f"{round(255 * c):02x}" for c in shade[:3])
        text = "#ffffff" if is_dark(shade) else "#000000"
        return HeatCell(f"{value:.3g}", back, text, bool(value == best))

    rows = [(name, [cell(v) for v in row]) for name, row in zip(labels[0], values, strict=True)]
    corner = f"{names[0]} \\ {names[1]}" if names[1] else names[0]
    return HeatTable(heat_map.title, corner, labels[1] if names[1] else ["value"], rows)
