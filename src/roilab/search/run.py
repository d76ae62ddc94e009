"""The loop of a search: take a trial, train it, record its values, until all trials are done."""

import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from roilab.atomic_write import DiskFullError
from roilab.errors import message
from roilab.interruption import Interrupted
from roilab.search.errors import SearchError
from roilab.search.outputs import draw_study, print_study, write_outputs
from roilab.search.plan import Plan, check_trials, read_plan
from roilab.search.storage import PRUNED, check_installed, trial_name
from roilab.search.study import SharedStudy, Turn
from roilab.sweep.launch import hydra_overrides, launch_job, user_config_dir
from roilab.sweep.status import read_status
from roilab.sweep.submit import read_batch, submit_search

log = logging.getLogger(__name__)

_MOST_FAILURES = 3  # in a row, before the first trial of this process that has values


def search(config: DictConfig) -> None:
    """Run trials of a study, as ``conf/search.yaml`` says, until their number is reached.

    Other processes may work on the same study at the same time.

    Raises:
        RoilabError: (its subclasses) any mistake that the user can correct.
    """
    check_installed()
    hydra = HydraConfig.get()
    plan, common = read_plan(config, hydra.overrides.task), hydra_overrides(hydra)
    config_dir = user_config_dir(hydra)
    jobs = check_trials(plan, config_dir, common)
    if config.dry_run:
        log.info("the settings of the trials fit; nothing is written")
        return
    batch = read_batch(config)
    shared, failures, values = SharedStudy(plan), list[str](), 0
    if batch is not None:
        submit_search(config, batch, plan.folder, sys.argv[1:])
        return
    while (turn := shared.take()) is not None:
        try:
            reason = _run(shared, turn, jobs)
        finally:
            turn.lock.release()
        write_outputs(shared, config_dir)
        failures = [] if reason is None else [*failures, reason]
        values += reason is None
        if not values and len(failures) == _MOST_FAILURES:
            raise SearchError(
                f"{plan.folder}: the first {_MOST_FAILURES} trials failed, the last one with: "
                f"{failures[-1]}"
            )
    draw_study(shared)
    print_study(shared)
    _say_what_runs(shared)


def _run(shared: SharedStudy, turn: Turn, jobs: DictConfig) -> str | None:
    """Train one trial and record its values; return the reason if it failed."""
    number = turn.trial.number
    name, folder = trial_name(number), shared.folder(number)
    log.info("%s: %s", name, " ".join(turn.settings))
    try:
        launch_job(jobs, name, [*shared.plan.common(), *turn.settings], number)
        if PRUNED in shared.study.get_trials(deepcopy=False)[number].user_attrs:
            shared.prune(turn)
            return None
        values = _values(shared.plan, folder)
    except Interrupted as end:
        end.note = f"{end.note} To go on with the study, give the same command again.".strip()
        raise
    except DiskFullError:
        raise  # the next trial would fail too
    except Exception as error:
        shared.fail(turn, message(error))
        log.error("%s failed: %s", name, message(error))
        return message(error)
    shared.complete(turn, values)
    shown = zip(shared.plan.objectives, values, strict=True)
    log.info("%s: %s", name, ", ".join(f"{one.name}={value:.5g}" for one, value in shown))
    return None


def _values(plan: Plan, folder: Path) -> Sequence[float]:
    status = read_status(folder)
    if status is None:
        raise SearchError(f"{folder}: has no status.json; expected a finished training.")
    values = [one.value(status, folder) for one in plan.objectives]
    for one, value in zip(plan.objectives, values, strict=True):
        if not math.isfinite(value):
            raise SearchError(f"{one.name} is {value}.")
    return values


def _say_what_runs(shared: SharedStudy) -> None:
    running = shared.running()
    if running:
        names = ", ".join(trial_name(one.number) for one in running)
        log.info("other processes still run %s; the last one to end writes all results", names)
