"""Memory and time of a network against chunks, and memory after every step."""

from collections.abc import Sequence
from itertools import cycle, product
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from roilab.plots.style import COLOURS, new_figure
from roilab.types import Row

_LINES = ("-", "--", ":", "-.")
_MARKERS = ("o", "^", "s", "D")
_COSTS = {"peak_mb": "peak memory above the loaded process [MB]", "seconds": "time [s]"}


def cost_figure(rows: Sequence[Row], title: str) -> Figure:
    """Draw peak memory and time of one network against chunks.

    Colours are rebins, lines are precisions and forms of the file.
    """
    figure = new_figure(11, 4.4)
    for number, (name, label) in enumerate(_COSTS.items(), start=1):
        axis = figure.add_subplot(1, 2, number)
        _draw_costs(axis, rows, name)
        axis.set(xlabel="nchunks", ylabel=label)
        axis.set_xticks(sorted({row["nchunks"] for row in rows}))
        if min((row[name] for row in rows if row[name] is not None), default=0) > 0:
            axis.set_yscale("log")
            axis.yaxis.set_major_formatter(LogFormatter())
            axis.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        axis.grid(alpha=0.3, which="both")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right center", fontsize="small")
    figure.suptitle(title)
    return figure


def memory_figure(rows: Sequence[Row], title: str) -> Figure:
    """Draw resident memory after every step and its peak within the step, a panel a cell.

    The rows, in the order of time, have ``cell``, ``segment``, ``after_mb`` and, if known,
    ``peak_mb``.
    """
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    figure = new_figure(13, 1.0 + 3.2 * len(cells))
    first: Axes | None = None
    for number, (cell, colour) in enumerate(zip(cells, cycle(COLOURS), strict=False), start=1):
        first = axis = figure.add_subplot(len(cells), 1, number, sharey=first)
        steps = [row for row in rows if row["cell"] == cell]
        after = [row["after_mb"] for row in steps]
        axis.step(range(len(steps)), after, where="mid", color=colour, label="after a step")
        peaks = [
            (n, row["after_mb"], row["peak_mb"])
            for n, row in enumerate(steps)
            if row.get("peak_mb") is not None
        ]
        if peaks:
            axis.vlines(*zip(*peaks, strict=True), color=colour, alpha=0.5, label="peak within it")
        _mark_segments(axis, [row["segment"] for row in steps])
        axis.set_title(cell, fontsize="medium")
        axis.set_ylabel("resident memory [MB]")
        axis.grid(alpha=0.3, axis="y")
        axis.legend(fontsize="small", loc="lower right")
    figure.suptitle(title)
    return figure


def _mark_segments(axis: Axes, segments: Sequence[str]) -> None:
    """Draw lines between segments and write their names on the axis."""
    starts = [n for n, name in enumerate(segments) if n == 0 or segments[n - 1] != name]
    for start in starts[1:]:
        axis.axvline(start - 0.5, color="0.6", lw=0.8, ls=":")
    ends = [*starts[1:], len(segments)]
    middles = [(start + end - 1) / 2 for start, end in zip(starts, ends, strict=True)]
    axis.set_xticks(middles, [segments[n] for n in starts], rotation=30, ha="right")
    axis.tick_params(axis="x", labelsize="small")
    axis.set_xlim(-0.5, len(segments) - 0.5)


def _draw_costs(axis: Axes, rows: Sequence[Row], name: str) -> None:
    rebins = dict(zip(dict.fromkeys(row["rebin"] for row in rows), cycle(COLOURS), strict=False))
    kinds = dict.fromkeys((row["precision"], row["variant"]) for row in rows)
    styles = dict(zip(kinds, cycle(zip(_LINES, _MARKERS, strict=True)), strict=False))
    known = sorted((r for r in rows if r[name] is not None), key=lambda row: row["nchunks"])
    for (rebin, colour), (kind, (line, marker)) in product(rebins.items(), styles.items()):
        key = (rebin, *kind)
        points = [r for r in known if (r["rebin"], r["precision"], r["variant"]) == key]
        if points:
            x, y = ([row[column] for row in points] for column in ("nchunks", name))
            half = [(row[f"{name}_spread"] or 0) / 2 for row in points]
            style: dict[str, Any] = {"color": colour, "ls": line, "marker": marker, "ms": 5}
            style["label"] = f"rebin {rebin}, {kind[1]}, {kind[0]}"
            axis.errorbar(x, y, half, capsize=2, lw=1.2, **style)
