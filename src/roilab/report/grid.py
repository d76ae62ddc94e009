"""Runs over the first two swept settings: curves and maps for figures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.plots import HeatMap, RunCurves
from roilab.report.run_record import RunRecord
from roilab.report.swept_settings import SweptSettings, sort_labels


@dataclass(frozen=True)
class Quantity:
    """One number by which runs are compared.

    Attributes:
        heading: name with the unit, if any.
        value: function that reads the number from a run.
        form: format of the number in tables.
        mapped: whether a map of it is drawn.
    """

    heading: str
    value: Callable[[RunRecord], float | None]
    form: str
    mapped: bool


QUANTITIES = (
    Quantity("training loss", lambda run: run.last("train/loss"), "{:.4g}", True),
    Quantity("validation loss", lambda run: run.metric("loss"), "{:.4g}", True),
    Quantity("Dice", lambda run: run.metric("dice"), "{:.4f}", True),
    Quantity("inefficiency [%]", lambda run: run.inefficiency, "{:.3g}", True),
    Quantity("ROI efficiency", lambda run: run.metric("roi_efficiency"), "{:.4f}", False),
    Quantity("ROI purity", lambda run: run.metric("roi_purity"), "{:.4f}", False),
)


def loss_curves(settings: SweptSettings) -> list[RunCurves]:
    """Return the losses of every run with a log, in the order of its settings."""
    orders = [_labels(settings, 0), _labels(settings, 1)]
    runs = sorted(
        (run for run in settings.known_runs if run.curves),
        key=lambda run: [order.index(settings.label(run, n)) for n, order in enumerate(orders)],
    )
    return [
        RunCurves(
            settings.label(run, 0),
            settings.label(run, 1),
            run.curves.get("train/loss", []),
            run.curves.get("val/loss", []),
        )
        for run in runs
    ]


def has_grid(settings: SweptSettings) -> bool:
    """Return whether there are runs of different settings to draw maps of."""
    return bool(settings.keys) and len(settings.known_runs) > 1


def cell_maps(
    settings: SweptSettings,
) -> tuple[list[HeatMap], tuple[list[str], list[str]], int]:
    """Average every quantity over the runs of each cell of the first two settings.

    Returns:
        The maps with at least one number, the labels of both settings, and the largest number of
        runs in a cell.
    """
    labels = _labels(settings, 0), _labels(settings, 1)
    shape = len(labels[0]), len(labels[1])
    cells: dict[tuple[int, int], list[RunRecord]] = {}
    for run in settings.known_runs:
        cell = labels[0].index(settings.label(run, 0)), labels[1].index(settings.label(run, 1))
        cells.setdefault(cell, []).append(run)
    maps = [
        HeatMap(quantity.heading, _mean_values(quantity, cells, shape))
        for quantity in QUANTITIES
        if quantity.mapped
    ]
    filled = [heat_map for heat_map in maps if np.isfinite(heat_map.values).any()]
    return filled, labels, max(len(runs) for runs in cells.values())


def _mean_values(
    quantity: Quantity, cells: dict[tuple[int, int], list[RunRecord]], shape: tuple[int, int]
) -> NDArray[np.float64]:
    values = np.full(shape, np.nan)
    for cell, runs in cells.items():
        known = [value for run in runs if (value := quantity.value(run)) is not None]
        if known:
            values[cell] = np.mean(known)
    return values


def _labels(settings: SweptSettings, index: int) -> list[str]:
    return sort_labels([settings.label(run, index) for run in settings.known_runs])
