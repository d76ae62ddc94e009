"""One job: train in this process or in new ones, and record its state."""

import gc
import logging
import os
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from omegaconf import DictConfig

from roilab.atomic_write import DiskFullError
from roilab.errors import message, user_error
from roilab.folder_lock import lock_folder
from roilab.freed_memory import return_freed_memory
from roilab.interruption import Interrupted, requested, works_for_another
from roilab.quick_imports import quick_imports
from roilab.sweep.folder import SweepError
from roilab.sweep.going_on import describe_progress
from roilab.sweep.launchers import gpu_environment
from roilab.sweep.names import job_number, swept_overrides, values
from roilab.sweep.resume_check import check_resumed_job
from roilab.sweep.side_by_side import end_with_parent
from roilab.sweep.status import Status, now, read_status
from roilab.train.results import Results, print_results
from roilab.versions import git_commit, package_versions

log = logging.getLogger(__name__)
# Seconds to wait for the processes of a killed job, which end soon after it.
_PATIENCE = 15.0
_THRESHOLD = ("working_point.", "model.mask_thresh")  # settings of the mask threshold


def run_job(config: DictConfig) -> float | None:
    """Train as configured, as a single run or as a job of a sweep.

    What is finished is not trained again: a job of a sweep, and a single run with ``resume=auto``.
    A job that was begun is resumed from its last checkpoint. Returns the value of
    ``optimized_metric``.

    Raises:
        RoilabError: (its subclasses too) any mistake that the user can correct.
    """
    if (signal := requested()) is not None:  # of the job before, which failed at that moment
        raise Interrupted(signal)
    hydra, folder = HydraConfig.get(), Path(config.run_dir)
    number = job_number(hydra)
    if number is None:
        # The callback ClaimRun has locked the folder.
        if config.sweep.resume is not None:
            raise SweepError(
                f"sweep.resume={config.sweep.resume} resumes a sweep, but this is a single run; "
                "add -m, or resume a run with output_dir=FOLDER resume=auto."
            )
        return _run_once(config, Status(None, {}, list(hydra.overrides.task)), {})
    if works_for_another():
        end_with_parent()
    advice = "end it, and resume the sweep again"
    lock = lock_folder(folder, advice, _PATIENCE)
    try:
        swept = values(swept_overrides(hydra))
        status = Status(number, swept, list(hydra.overrides.task))
        config.resume = config.resume or "auto"
        return _run_once(config, status, gpu_environment(hydra.launcher._target_, number))
    finally:
        lock.release()


def _run_once(config: DictConfig, status: Status, variables: Mapping[str, str]) -> float | None:
    """Run a job, unless it is finished; go on counting its starts and its time."""
    folder = Path(config.run_dir)
    before = read_status(folder) if config.resume is not None else None
    if before is not None:
        if (results := finished_results(config, status, before)) is not None:
            log.info("%s: finished before: %s, nothing to do", folder.name, before.summary)
            if status.number is None:
                print_results(results, folder, before.seconds)
            return results.value
        status.started, status.starts = before.started, before.starts + 1
        status.seconds = before.seconds
    return _run(config, status, variables).value


def finished_results(config: DictConfig, status: Status, before: Status) -> Results | None:
    """Return the results of a finished run to which this command would add nothing.

    A single run goes on if a setting differs and ``trainer.max_epochs`` asks for more epochs, if
    another rule for its mask threshold is given, or if it resumes from a checkpoint that the user
    named.
    """
    if before.state != "finished" or before.results is None:
        return None
    if status.number is not None:
        return before.results
    given, known = _settings(status), _settings(before)
    epochs = config.trainer.max_epochs
    reached = epochs is not None and 0 <= epochs <= before.results.epochs
    choose = any(key.startswith(_THRESHOLD) and known.get(key) != given[key] for key in given)
    done = given == known or (reached and not choose)
    return before.results if config.resume == "auto" and done else None


def _settings(status: Status) -> dict[str, str]:
    """Return the overrides by key, the last of each, without those on place and resuming."""
    settings = {one.partition("=")[0]: one for one in status.overrides}
    return {
        key: one
        for key, one in settings.items()
        if key not in ("resume", "output_dir") and not key.startswith("hydra")
    }


def _run(config: DictConfig, status: Status, variables: Mapping[str, str]) -> Results:
    """Run one job, then restore environment and memory, and write its page."""
    folder, failure = Path(config.run_dir), None
    status.versions, status.git_commit = package_versions(), git_commit()
    own_process = config.sweep.own_process
    if own_process is None:
        # A changed environment (its GPU, say) has full effect only in a new process.
        own_process = bool(variables or HydraConfig.get().job.env_set)
    try:
        with _recorded(status, folder), _environment(variables):
            status.results = _train(config, status, own_process)
    except Exception as error:
        failure = error if status.number is None else _without_traceback(error)
    _free_memory()
    if config.report:
        from roilab.report.run_page import try_write_run_page

        try_write_run_page(folder)
    if failure is not None:
        raise failure
    assert status.results is not None
    return status.results


@contextmanager
def _recorded(status: Status, folder: Path) -> Iterator[None]:
    """Write ``status.json`` at the start and at the end of a job."""
    start = time.perf_counter()
    status.write(folder)
    try:
        yield
        status.state = "finished"
    except Exception as error:
        status.state, status.error = "failed", message(error)
        raise
    except BaseException as end:
        status.state = "interrupted"
        if isinstance(end, Interrupted) and not end.note:
            end.note = describe_progress(folder, status.number is not None)
        raise
    finally:
        status.seconds += time.perf_counter() - start
        status.ended = now()
        try:
            status.write(folder)
        except DiskFullError as full:  # what ended the job is shown
            if status.state == "finished":
                raise
            log.warning("%s", full)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables; at the end undo these and all other changes."""
    before = dict(os.environ)
    os.environ.update(variables)
    # Where SLURM runs one task, roilab starts the processes; Lightning would believe SLURM did.
    if before.get("SLURM_NTASKS") == "1":
        del os.environ["SLURM_NTASKS"]
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update({n: v for n, v in before.items() if os.environ.get(n) != v})


def _train(config: DictConfig, status: Status, own_process: bool) -> Results:
    """Train in this process, or in new ones for DDP and with ``own_process``."""
    with quick_imports():  # torch and Lightning take seconds
        from roilab.sweep.process_count import count_processes

    if status.number is not None:
        check_resumed_job(config)
    status.processes = count_processes(config.trainer)
    status.write(Path(config.run_dir))
    if own_process or status.processes > 1:
        from roilab.sweep.processes import train_in_processes

        return train_in_processes(config, status.processes)
    with quick_imports():
        from roilab.train.run import train

    return train(config)


def _without_traceback(error: Exception) -> Exception:
    """Return an exception with the same message; a traceback keeps the network in memory."""
    if user_error(error) is None or os.environ.get("HYDRA_FULL_ERROR") == "1":
        log.error("%s", "".join(traceback.format_exception(error)))
    return CompactHydraException(message(error))


def _free_memory() -> None:
    """Free networks and data loaders that only reference cycles hold, and return their memory."""
    gc.collect()
    return_freed_memory()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
