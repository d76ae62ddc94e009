"""Runs over the two settings that were varied first, as figures want them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.plots import HeatMap, RunCurves
from roilab.report.job import Job
from roilab.report.swept_settings import Varied, in_order


@dataclass(frozen=True)
class Quantity:
    """What a run is judged by.

    Attributes:
        heading: with the unit, if any.
        of: takes it from a run.
        text: how it is written.
        mapped: whether it has a map of its own.
    """

    heading: str
    of: Callable[[Job], float | None]
    text: str
    mapped: bool


CELL_QUANTITIES = (
    Quantity("training loss", lambda job: job.last("train/loss"), "{:.4g}", True),
    Quantity("validation loss", lambda job: job.metric("loss"), "{:.4g}", True),
    Quantity("Dice", lambda job: job.metric("dice"), "{:.4f}", True),
    Quantity("inefficiency [%]", lambda job: job.inefficiency, "{:.3g}", True),
    Quantity("ROI efficiency", lambda job: job.metric("roi_efficiency"), "{:.4f}", False),
    Quantity("ROI purity", lambda job: job.metric("roi_purity"), "{:.4f}", False),
)


def loss_lines(varied: Varied) -> list[RunCurves]:
    """Losses of every run that logged any, in the order of its settings."""
    orders = [_order(varied, 0), _order(varied, 1)]
    jobs = sorted(
        (job for job in varied.placed if job.curves),
        key=lambda job: [order.index(varied.text(job, n)) for n, order in enumerate(orders)],
    )
    return [
        RunCurves(
            varied.text(job, 0),
            varied.text(job, 1),
            job.curves.get("train/loss", []),
            job.curves.get("val/loss", []),
        )
        for job in jobs
    ]


def in_grid(varied: Varied) -> bool:
    """Whether there is something to make a map over."""
    return bool(varied.keys) and len(varied.placed) > 1


def cell_maps(varied: Varied) -> tuple[list[HeatMap], tuple[list[str], list[str]], int]:
    """Maps of what runs are judged by, over the first two settings.

    Returns:
        The maps that have a number, the labels of both settings, and the most runs in a cell.
    """
    labels = _order(varied, 0), _order(varied, 1)
    shape = len(labels[0]), len(labels[1])
    cells: dict[tuple[int, int], list[Job]] = {}
    for job in varied.placed:
        place = labels[0].index(varied.text(job, 0)), labels[1].index(varied.text(job, 1))
        cells.setdefault(place, []).append(job)
    maps = [
        HeatMap(quantity.heading, _map(quantity, cells, shape))
        for quantity in CELL_QUANTITIES
        if quantity.mapped
    ]
    filled = [each for each in maps if np.isfinite(each.values).any()]
    return filled, labels, max(len(jobs) for jobs in cells.values())


def _map(
    quantity: Quantity, cells: dict[tuple[int, int], list[Job]], shape: tuple[int, int]
) -> NDArray[np.float64]:
    values = np.full(shape, np.nan)
    for place, jobs in cells.items():
        known = [value for job in jobs if (value := quantity.of(job)) is not None]
        if known:
            values[place] = np.mean(known)
    return values


def _order(varied: Varied, index: int) -> list[str]:
    return in_order([varied.text(job, index) for job in varied.placed])
