"""What a study shows of itself: table of trials, best settings, figure."""

import logging
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from roilab.atomic_write import save_figure, write_csv
from roilab.console import table_console
from roilab.plots import Trials, search_figure
from roilab.search.experiment import write_experiment
from roilab.search.objectives import Objective
from roilab.search.plan import Plan
from roilab.search.storage import ERROR, KILLED, OWNER, PRUNED, trial_name
from roilab.search.study import SharedStudy
from roilab.sweep.status import read_status
from roilab.types import Row

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)

_DPI = 120
_LEAST_TRIALS = 8  # for importances, which mean nothing with fewer
_SHOWN = 10  # trials in the printed table


@dataclass(frozen=True)
class _Best:
    """Trials that no other is better than in all objectives, the first objective's best first."""

    trials: Sequence["FrozenTrial"]

    @classmethod
    def of(cls, study: "Study", objective: Objective) -> "_Best":
        sign = -1 if objective.maximize else 1
        return cls(sorted(study.best_trials, key=lambda one: (sign * one.values[0], one.number)))

    @property
    def numbers(self) -> list[int]:
        return [one.number for one in self.trials]


def write_outputs(shared: SharedStudy, config_dir: str | None) -> None:
    """Write ``trials.csv``, ``experiment/best.yaml`` and ``search.png`` into the study's folder.

    With several objectives each trial of the Pareto front has an experiment file.
    """
    with shared.locked():
        plan, trials = shared.plan, shared.study.get_trials(deepcopy=False)
        write_csv(plan.folder / "trials.csv", [_row(plan, one) for one in trials])
        best = _Best.of(shared.study, plan.objectives[0])
        for rank, one in enumerate(best.trials):
            names = ["best"] * (rank == 0) + [trial_name(one.number)] * (len(plan.objectives) > 1)
            for name in names:
                _write_settings(plan, one, name, config_dir)


def draw_study(shared: SharedStudy) -> None:
    """Write ``search.png``: values of the trials, Pareto front, importance of the settings."""
    plan, study = shared.plan, shared.study
    complete = _complete(study)
    if not complete:
        return
    best = _Best.of(study, plan.objectives[0])
    trials = Trials(
        [one.number for one in complete],
        {o.name: [one.values[i] for one in complete] for i, o in enumerate(plan.objectives)},
        {o.name: o.maximize for o in plan.objectives},
        best.numbers,
        [one.number for one in study.get_trials(deepcopy=False) if PRUNED in one.user_attrs],
    )
    figure = search_figure(trials, _importances(study, len(complete)))
    with shared.locked():
        save_figure(plan.folder / "search.png", figure, dpi=_DPI)


def print_study(shared: SharedStudy) -> None:
    """Print the best trials, and how to train with their settings."""
    plan, study = shared.plan, shared.study
    best = _Best.of(study, plan.objectives[0])
    counts: dict[str, int] = {}
    for one in study.get_trials(deepcopy=False):
        counts[one.state.name.lower()] = counts.get(one.state.name.lower(), 0) + 1
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    table = Table(title=f"{plan.folder}: {states}", title_justify="left")
    front = len(plan.objectives) > 1
    table.add_column("Pareto front" if front else "best trials")
    for name in [*(one.name for one in plan.objectives), *(one.key for one in plan.space)]:
        table.add_column(name, justify="right", overflow="fold")
    shown = list(best.trials) if front else _ranked(study, plan.objectives[0])
    for one in shown[:_SHOWN]:
        values = [f"{value:.4g}" for value in one.values]
        table.add_row(trial_name(one.number), *values, *_settings(plan, one))
    console = table_console()
    console.print(table)
    if best.trials:
        again = f"roilab train --config-dir {shlex.quote(str(plan.folder))} experiment=best"
        console.print(f"best settings: {again}", soft_wrap=True, highlight=False)


def _complete(study: "Study") -> list["FrozenTrial"]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _ranked(study: "Study", objective: Objective) -> list["FrozenTrial"]:
    sign = -1 if objective.maximize else 1
    return sorted(_complete(study), key=lambda one: (sign * one.values[0], one.number))


def _settings(plan: Plan, trial: "FrozenTrial") -> list[str]:
    values = [trial.params.get(one.key) for one in plan.space]
    return [f"{one:.4g}" if isinstance(one, float) else str(one) for one in values]


def _row(plan: Plan, trial: "FrozenTrial") -> Row:
    folder, attrs = plan.folder / trial_name(trial.number), trial.user_attrs
    values: Sequence[float] = trial.values if trial.state.name == "COMPLETE" else ()
    padded = [*values, *[math.nan] * (len(plan.objectives) - len(values))]
    status = read_status(folder)
    results = None if status is None else status.results
    row: Row = {"trial": trial.number, "folder": folder.name, "state": trial.state.name.lower()}
    row |= {one.name: value for one, value in zip(plan.objectives, padded, strict=True)}
    # Every digit, so that the settings can be given again.
    params: Mapping[str, object] = trial.params
    row |= {one.key: str(params.get(one.key, "")) for one in plan.space}
    return row | {
        "epochs": "" if results is None else results.epochs,
        "seconds": math.nan if status is None else status.seconds,
        "starts": "" if status is None else status.starts,
        "killed": attrs.get(KILLED, 0),
        "host": attrs.get(OWNER, [""])[0],
        "error": attrs.get(ERROR, ""),
    }


def _write_settings(plan: Plan, trial: "FrozenTrial", name: str, config_dir: str | None) -> None:
    values = ", ".join(
        f"{one.name}={value:.6g}" for one, value in zip(plan.objectives, trial.values, strict=True)
    )
    comment = f"{trial_name(trial.number)} of {plan.folder}: {values}"
    # The settings that Optuna holds, as overrides; nothing is chosen here.
    settings = [f"{one.key}={_text(trial.params[one.key])}" for one in plan.space]
    overrides = [*plan.command, *settings]
    write_experiment(plan.folder, name, comment, overrides, config_dir)


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _importances(study: "Study", count: int) -> dict[str, float]:
    """Return the importance of each setting for the first objective; none for few trials."""
    from optuna.importance import get_param_importances

    if count < _LEAST_TRIALS:
        return {}
    try:
        return get_param_importances(study, target=lambda trial: float(trial.values[0]))
    except (ImportError, ValueError, RuntimeError) as error:
        log.info("no importances: %s", error)
        return {}
