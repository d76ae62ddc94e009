"""Run one prediction: find the frame files, apply the network to each, report."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roilab.atomic_write import remove_leftovers, write_json
from roilab.console import table_console
from roilab.interruption import Interrupted
from roilab.predict.jobs import Job, PredictError, find_frames, list_jobs
from roilab.predict.predictor import Predictor
from roilab.predict.processes import Outcome, run_jobs
from roilab.threads import set_threads

log = logging.getLogger(__name__)

SETTINGS_FILE = "predictions.json"


def predict(config: DictConfig) -> None:
    """Find the ROIs of all frame files that the user named, and write one file for each.

    Args:
        config: composed from ``conf/predict.yaml``.

    Raises:
        RoilabError: (its subclasses) a setting does not fit; or files failed, after all others
            are complete.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    output_dir, began = Path(plain["run_dir"]), time.perf_counter()
    files = find_frames(plain["frames"], plain["in_folder"])
    jobs = list_jobs(files, output_dir, plain["container"])
    set_threads(None)
    predictor = Predictor.from_config(plain)
    claim_folder(output_dir, predictor.settings())
    waiting = [job for job in jobs if not job.finished]
    outcomes = _run(jobs, waiting, predictor, plain)
    _report(jobs, outcomes, time.perf_counter() - began, output_dir)
    _raise_failures(outcomes, output_dir)


def claim_folder(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings into the folder, or check that its files were made with the same.

    Raises:
        PredictError: they were made with others.
    """
    path, requested = folder / SETTINGS_FILE, json.loads(json.dumps(settings))
    if not path.is_file():
        write_json(path, requested)
        return
    try:
        stored = dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise PredictError(
            f"{path}: is damaged, so it is not known how the files beside it were made; choose "
            "another output_dir, or remove it."
        ) from error
    requested.pop("network_file")  # the same file may lie elsewhere
    different = [key for key, value in requested.items() if stored.get(key) != value]
    if different:
        key = different[0]
        raise PredictError(
            f"{folder}: holds predictions of other settings ({key}: stored {stored.get(key)}, "
            f"requested {requested[key]}); choose another output_dir."
        )


def _run(
    jobs: Sequence[Job], waiting: Sequence[Job], predictor: Predictor, plain: Mapping[str, Any]
) -> list[Outcome]:
    """Run the waiting jobs with a progress bar."""
    columns = (
        *(TextColumn("predicting"), BarColumn(), MofNCompleteColumn()),
        *(TextColumn("files"), TimeRemainingColumn()),
    )
    outcomes: list[Outcome] = []
    try:
        with Progress(*columns) as bar:
            before = len(jobs) - len(waiting)
            task = bar.add_task("", total=len(jobs), completed=before)
            for outcome in run_jobs(waiting, predictor, plain, lambda p: bar.advance(task, p)):
                outcomes.append(outcome)
                bar.update(task, completed=before + len(outcomes))
                if outcome.summary is None:
                    log.error("%s", _named(outcome))
                elif outcome.summary.left_out:
                    log.warning(
                        "%s: not all events hold plane %s, which is left out there.",
                        outcome.job.frames,
                        outcome.summary.left_out,
                    )
    except BaseException as end:
        for job in waiting:  # of processes that were ended
            remove_leftovers(job.output.parent, job.output.name)
        if isinstance(end, Interrupted):
            complete = sum(job.finished for job in jobs)
            end.note = (
                f"{complete} of {len(jobs)} files are complete and kept. Run the same command "
                "again to continue."
            )
        raise
    return outcomes


def _named(outcome: Outcome) -> str:
    """Return the error with the name of the file, which most errors hold already."""
    frames = outcome.job.frames
    return outcome.error if frames.name in outcome.error else f"{frames}: {outcome.error}"


def _report(
    jobs: Sequence[Job], outcomes: Sequence[Outcome], seconds: float, output_dir: Path
) -> None:
    """Print how many files and events were predicted, and where the files are."""
    done = [outcome.summary for outcome in outcomes if outcome.summary is not None]
    events, before = sum(summary.events for summary in done), len(jobs) - len(outcomes)
    text = f"{len(done)} files with {events} events predicted in {seconds:.1f} s"
    if events:
        text += f" ({60 * events / seconds:.0f} events a minute)"
    if before:
        text += f"; {before} files were complete before"
    print_line = table_console().print
    print_line(f"{text}; frame files in {output_dir}", soft_wrap=True, highlight=False)


def _raise_failures(outcomes: Sequence[Outcome], output_dir: Path) -> None:
    failed = [outcome for outcome in outcomes if outcome.summary is None]
    if not failed:
        return
    if len(outcomes) == 1:
        raise PredictError(_named(failed[0]))
    names = ", ".join(str(outcome.job.frames) for outcome in failed)
    raise PredictError(
        f"{len(failed)} of {len(outcomes)} files failed, each with the reason above: {names}. The "
        f"others are complete in {output_dir}; mend these files and run the same command again."
    )
