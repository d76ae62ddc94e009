"""One job: recorded, run where it belongs, and leaving nothing behind for the next."""

import gc
import logging
import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, InstantiationException
from omegaconf import DictConfig

from roilab.entry_point import sentence
from roilab.errors import RoilabError
from roilab.sweep.folder import SweepError
from roilab.sweep.names import job_number, swept_overrides, values
from roilab.sweep.status import Results, Status, now, read_status

log = logging.getLogger(__name__)
# Processes of a killed job need a moment to see that it is gone.
_PATIENCE = 15.0


def run_job(config: DictConfig) -> float | None:
    """Train what the configuration describes, alone or as a job of a sweep.

    In a sweep, a job that is finished is not run again, and one that was begun goes on from its
    last checkpoint.

    Returns:
        The value of ``optimized_metric``.

    Raises:
        RoilabError: (its subclasses too) anything the user can mend.
    """
    hydra, folder = HydraConfig.get(), Path(config.run_dir)
    number = job_number(hydra)
    if number is None:
        if config.sweep.resume is not None:
            raise SweepError(
                f"sweep.resume={config.sweep.resume} goes on with a sweep, and this is one run; "
                "add -m, or go on with a run by output_dir=FOLDER resume=auto."
            )
        overrides = list(hydra.overrides.task)
        return _recorded(config, folder, Status(None, {}, overrides)).value
    _set_modules_aside()
    with _alone(folder):
        swept = values(swept_overrides(hydra))
        status = Status(number, swept, list(hydra.overrides.task))
        before = read_status(folder)
        if before is not None and before.state == "finished" and before.results is not None:
            log.info("%s: finished before", folder.name)
            return before.results.value
        if before is not None:
            status.started, status.starts = before.started, before.starts + 1
            status.seconds = before.seconds
            config.resume = config.resume or "auto"
        return _recorded(config, folder, status).value


def sentence_of(error: BaseException) -> str:
    """What a user is told of an error: its own sentence, or its kind and text in one line."""
    cause = error.__cause__ if isinstance(error, InstantiationException) else error
    if isinstance(cause, RoilabError):
        return sentence(cause)
    cause = cause or error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"


def mendable(error: BaseException) -> bool:
    """Whether an error is one that its sentence alone explains."""
    return isinstance(error, RoilabError) or isinstance(error.__cause__, RoilabError)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    locks = folder.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{folder.name}.lock", timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        running = read_status(folder)
        where = "" if running is None else f" (process {running.pid} on {running.host})"
        raise SweepError(
            f"{folder}: this job is still running{where}; wait for its end, or end it, and resume "
            "the sweep again."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _recorded(config: DictConfig, folder: Path, status: Status) -> Results:
    """Train; ``status.json`` tells how it goes and how it went."""
    began, environment = time.perf_counter(), dict(os.environ)
    failure: Exception | None = None
    status.write(folder)
    try:
        status.processes, apart = _processes(config)
        status.write(folder)
        status.results = _train(config, status.processes, apart)
        status.state = "finished"
    except Exception as error:
        status.state, status.error = "failed", sentence_of(error)
        failure = _told(error) if status.number is not None else error
    except BaseException:
        status.state = "interrupted"
        raise
    finally:
        status.seconds += time.perf_counter() - began
        status.ended = now()
        status.write(folder)
        os.environ.clear()
        os.environ.update(environment)
        _free_memory()
    if config.report:
        from roilab.report.run_page import try_write_run_page

        try_write_run_page(folder)
    if failure is not None:
        raise failure
    assert status.results is not None
    return status.results


def _told(error: Exception) -> Exception:
    """The same error without what it holds on to: a traceback keeps the network in memory."""
    if not mendable(error) or os.environ.get("HYDRA_FULL_ERROR") == "1":
        log.error("%s", "".join(traceback.format_exception(error)))
    return CompactHydraException(sentence_of(error))


def _processes(config: DictConfig) -> tuple[int, bool]:
    """How many processes train, and whether they are others than this one."""
    from roilab.train.run import processes_to_start

    # An environment of its own (a GPU, say) is only believed by a process that starts with it.
    apart = config.sweep.own_process
    if apart is None:
        apart = bool(HydraConfig.get().job.env_set)
    count = processes_to_start(config)
    return count, apart or count > 1


def _train(config: DictConfig, count: int, apart: bool) -> Results:
    if apart:
        from roilab.sweep.processes import train_in_processes

        return train_in_processes(config, count)
    from roilab.train.run import train

    # Under a batch system that runs one task, Lightning would take its signals for its own.
    slurm = os.environ.get("SLURM_NTASKS") == "1"
    with _without("SLURM_NTASKS") if slurm else nullcontext():
        return train(config)


@contextmanager
def _without(name: str) -> Iterator[None]:
    value = os.environ.pop(name)
    try:
        yield
    finally:
        os.environ[name] = value


@cache
def _set_modules_aside() -> None:
    """Once, spare the garbage collector what is imported: it stays from job to job."""
    import roilab.train.run  # noqa: F401

    gc.collect()
    gc.freeze()


def _free_memory() -> None:
    """Let go of networks, and of the data loaders' processes, that only cycles hold."""
    gc.collect()
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
