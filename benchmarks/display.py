"""Seconds to draw one event plane with four panels, after import and reading.

    python benchmarks/display.py [--channels 800] [--ticks 6000] [--repeat 5]

The panels are noise, the same with a track, a probability, and a mask against truth, each with its
contours where they are drawn. Drawing is all from the arrays to the bytes of the PNG. The first
round, which fills matplotlib's font cache, is shown apart.
"""

import argparse
import io
import statistics
import time

import numpy as np

from roilab.plots.display import display_figure
from roilab.plots.panels import ChargePanel, Outline, Panel, ProbabilityPanel, against_truth
from roilab.plots.pooling import max_pool
from roilab.plots.view import PANEL, Look, View

_DPI = 110


def make_panels(channels: int, ticks: int) -> list[Panel]:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 280, (channels, ticks)).astype(np.float32)
    centre = np.linspace(0.1, 0.9, channels)[:, None] * ticks
    truth = (2000 * np.exp(-(((np.arange(ticks) - centre) / 6) ** 2))).astype(np.float32)
    mask, found = truth > 100, truth > 300
    outlines = [Outline("truth", mask)]
    return [
        ChargePanel(title="noise", charge=noise, outlines=outlines),
        ChargePanel(title="track", charge=noise + truth, outlines=outlines),
        ProbabilityPanel(title="probability", probability=truth / 2000, outlines=outlines),
        against_truth("mask", mask, found),
    ]


def seconds(panels: list[Panel], view: View, look: Look) -> tuple[float, float]:
    """By the clock, and of the processor (which other work on the machine does not lengthen)."""
    began, worked = time.perf_counter(), time.process_time()
    figure = display_figure(panels, view, look, 2, "benchmark")
    figure.savefig(io.BytesIO(), format="png", dpi=_DPI)
    return time.perf_counter() - began, time.process_time() - worked


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=800)
    parser.add_argument("--ticks", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    panels = make_panels(options.channels, options.ticks)
    view = View((0, options.channels), (0, options.ticks), 0.5, 0.0, False)
    look = Look(2000, None, max_pool, (round(PANEL[0] * _DPI), round(PANEL[1] * _DPI)))
    first = seconds(panels, view, look)
    times = [seconds(panels, view, look) for _ in range(options.repeat)]
    print(f"four panels of {options.channels} x {options.ticks}, {options.repeat} rounds\n")
    print("| round | s | processor s |")
    print("|---|---|---|")
    print(f"| first | {first[0]:.2f} | {first[1]:.2f} |")
    spent = (
        f"{statistics.median(t):.2f} ({min(t):.2f}-{max(t):.2f})" for t in zip(*times, strict=True)
    )
    print(f"| later, median (min-max) | {' | '.join(spent)} |")


if __name__ == "__main__":
    main()
