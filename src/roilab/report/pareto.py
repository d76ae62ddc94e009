"""Charge error of runs against their time and memory, with the Pareto front."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from roilab.atomic_write import save_figure
from roilab.plots.sweep import pareto_figure
from roilab.report.run_page import DPI
from roilab.report.run_record import RunRecord
from roilab.report.svg import Chart, draw_chart
from roilab.report.swept_settings import SweptSettings


@dataclass(frozen=True)
class _Cost:
    """What a network or its training costs."""

    title: str
    value: Callable[[RunRecord], float | None]


_COSTS = {
    "time": (
        _Cost("time of the network per image [s]", lambda run: run.seconds_per_image),
        _Cost("time of the training [s]", lambda run: run.status.get("seconds") or None),
    ),
    "memory": (
        _Cost("memory of the exported network [MB]", lambda run: run.exported_memory),
        _Cost(
            "peak memory of the training [MB]",
            lambda run: max((run.results.get("memory_mb") or {}).values(), default=None),
        ),
    ),
}


def pareto_charts(settings: SweptSettings, folder: Path) -> list[Chart]:
    """Draw the charge error against time and against memory, of all runs that know both.

    Time and memory are those of the network, or of the training where a network's are not known.
    Without charge error 1 - Dice takes its place. The figures are also written as
    ``error-time.png`` and ``error-memory.png`` in ``folder``.
    """
    runs = [run for run in settings.runs if run.state == "finished"]
    errors = [(run, run.charge_error) for run in runs]
    title = "charge error: mean |bias| [%]"
    if sum(error is not None for _, error in errors) < 2:
        dice = [(run, run.metric("dice")) for run in runs]
        errors = [(run, None if value is None else 1 - value) for run, value in dice]
        title = "1 - Dice"
    label = settings.title if len(settings.keys) > 1 else lambda run: settings.label(run, 0)
    known = [(run, error) for run, error in errors if error is not None]
    charts = []
    for kind, costs in _COSTS.items():
        for cost in costs:
            points = [
                (value, error, label(run))
                for run, error in known
                if (value := cost.value(run)) is not None
            ]
            if len(points) > 1 and len(points) == len(known):
                charts.append(_chart(folder / f"error-{kind}.png", points, cost.title, title))
                break
    return charts


def _chart(png: Path, points: Sequence[tuple[float, float, str]], cost: str, error: str) -> Chart:
    best = ", ".join(label for _, _, label in pareto_front(points))
    alt = f"{error} against {cost}, {len(points)} runs. On the Pareto front: {best}."
    front = pareto_front(points)
    draw = partial(pareto_figure, points, front, cost, error)
    save_figure(png, draw(), dpi=DPI)
    return draw_chart(draw, png.stem, alt)


def pareto_front(points: Sequence[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    """Return the points (cost, error, label) that no other one beats in both, by cost."""
    front: list[tuple[float, float, str]] = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front
