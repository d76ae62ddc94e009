"""Figure of a search: values of the trials, Pareto front, importance of the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from roilab.plots.style import COLOURS, PREDICTED, TRUTH, new_figure

_MOST_BARS = 12


@dataclass(frozen=True)
class Trials:
    """Trials of a study that have values.

    Attributes:
        numbers: of the trials, in order.
        values: of each objective, by its name.
        maximize: whether a larger value of it is better.
        front: numbers of the trials on the Pareto front.
        pruned: numbers of the trials that ended early.
    """

    numbers: Sequence[int]
    values: Mapping[str, Sequence[float]]
    maximize: Mapping[str, bool]
    front: Sequence[int]
    pruned: Sequence[int]


def search_figure(trials: Trials, importances: Mapping[str, float]) -> Figure:
    """Draw each objective against the trial, two objectives against each other, importances.

    Args:
        trials: with their values.
        importances: of the settings for the first objective, their sum is 1; may be empty.
    """
    names = list(trials.values)
    front = len(names) == 2
    count = len(names) + front + bool(importances)
    figure = new_figure(4.6 * count, 3.8)
    axes = [figure.add_subplot(1, count, number + 1) for number in range(count)]
    for name in names:
        _draw_history(axes.pop(0), trials, name)
    if front:
        _draw_front(axes.pop(0), trials)
    if importances:
        _draw_importances(axes.pop(0), importances, names[0])
    return figure


def _draw_history(axis: Axes, trials: Trials, name: str) -> None:
    values, best = trials.values[name], max if trials.maximize[name] else min
    line: list[float] = []
    for value in values:
        line.append(best(line[-1], value) if line else value)
    axis.plot(trials.numbers, values, "o", ms=4, color=TRUTH, label="trial")
    axis.step(trials.numbers, line, where="post", color=PREDICTED, label="best so far")
    for number in trials.pruned:
        label = "ended early" if number == trials.pruned[0] else None
        axis.axvline(number, color=COLOURS[6], alpha=0.2, label=label)
    axis.set(xlabel="trial", ylabel=name)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")


def _draw_front(axis: Axes, trials: Trials) -> None:
    (x_name, x), (y_name, y) = trials.values.items()
    axis.plot(x, y, "o", ms=4, color=TRUTH, label="trial")
    points = sorted(
        (a, b) for number, a, b in zip(trials.numbers, x, y, strict=True) if number in trials.front
    )
    axis.plot(*zip(*points, strict=True), "o-", ms=5, color=PREDICTED, label="Pareto front")
    for number, a, b in zip(trials.numbers, x, y, strict=True):
        if number in trials.front:
            axis.annotate(str(number), (a, b), (4, 4), textcoords="offset points", fontsize="small")
    axis.set(xlabel=x_name, ylabel=y_name)
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")


def _draw_importances(axis: Axes, importances: Mapping[str, float], name: str) -> None:
    ranked = sorted(importances.items(), key=lambda item: item[1])[-_MOST_BARS:]
    axis.barh([key for key, _ in ranked], [value for _, value in ranked], color=TRUTH)
    axis.set(xlabel=f"importance for {name}", xlim=(0, 1))
    axis.grid(alpha=0.3, axis="x")
