"""Runs over the first two swept settings: curves and maps for figures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from roilab.plots import HeatMap, RunCurves
from roilab.report.run_record import RunRecord
from roilab.report.swept_settings import SweptSettings, sort_labels


@dataclass(frozen=True)
class Quantity:
    """One number by which runs are compared.

    Attributes:
        heading: of its column.
        value: of a run.
        form: of the number in tables.
        mapped: whether it has a map.
        higher_is_better: of two values.
    """

    heading: str
    value: Callable[[RunRecord], float | None]
    form: str
    mapped: bool
    higher_is_better: bool = False


QUANTITIES = (
    Quantity("charge error [%]", lambda run: run.charge_error, "{:.3g}", True),
    Quantity("inefficiency [%]", lambda run: run.inefficiency, "{:.3g}", True),
    Quantity("Dice", lambda run: run.metric("dice"), "{:.4f}", True, True),
    Quantity("ROI efficiency", lambda run: run.metric("roi_efficiency"), "{:.4f}", False, True),
    Quantity("ROI purity", lambda run: run.metric("roi_purity"), "{:.4f}", False, True),
    Quantity("training loss", lambda run: run.last("train/loss"), "{:.4g}", True),
    Quantity("validation loss", lambda run: run.metric("loss"), "{:.4g}", True),
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


def cell_maps(
    settings: SweptSettings,
) -> tuple[list[HeatMap], tuple[list[str], list[str]], int]:
    """Average every quantity over the runs of each cell of the first two settings.

    Returns:
        The maps with at least one number, the labels of both settings, and the largest number of
        runs in a cell.
    """
    labels = _labels(settings, 0), _labels(settings, 1)
    cells: dict[tuple[int, int], list[RunRecord]] = {}
    for run in settings.known_runs:
        cell = labels[0].index(settings.label(run, 0)), labels[1].index(settings.label(run, 1))
        cells.setdefault(cell, []).append(run)
    maps = []
    for quantity in (quantity for quantity in QUANTITIES if quantity.mapped):
        means = np.full((len(labels[0]), len(labels[1])), np.nan)
        for cell, runs in cells.items():
            known = [value for run in runs if (value := quantity.value(run)) is not None]
            means[cell] = np.mean(known) if known else np.nan
        if np.isfinite(means).any():
            maps.append(HeatMap(quantity.heading, means, quantity.higher_is_better))
    return maps, labels, max(len(runs) for runs in cells.values())


def _labels(settings: SweptSettings, index: int) -> list[str]:
    return sort_labels([settings.label(run, index) for run in settings.known_runs])
