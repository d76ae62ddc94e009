"""Run the jobs in this process or in several; one that fails does not stop the others."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from roilab.atomic_write import DiskFullError
from roilab.errors import message
from roilab.predict.jobs import Job, PredictError
from roilab.predict.predictor import Predictor, Summary, no_progress
from roilab.process_pool import process_pool

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a job ended: with a summary, or with the text of an error."""

    job: Job
    summary: Summary | None
    error: str


def run_jobs(
    jobs: Sequence[Job],
    predictor: Predictor,
    plain: Mapping[str, Any],
    advance: Callable[[float], None],
) -> Iterator[Outcome]:
    """Run every job and yield how it ended, in the order of their ends.

    Args:
        jobs: to run.
        predictor: for jobs in this process.
        plain: configuration, from which other processes make the predictor; ``num_workers`` is
            the number of processes.
        advance: called with parts of a file, by jobs in this process.

    Raises:
        PredictError: a process was ended from outside.
        DiskFullError: no space is left for a file.
    """
    workers = min(plain["num_workers"], len(jobs))
    if workers <= 1:
        for job in jobs:
            yield _attempt(predictor, job, advance)
        return
    threads, text = max(1, torch.get_num_threads() // workers), json.dumps(plain)
    try:
        with process_pool(workers, _start_worker, threads) as pool:
            for future in as_completed([pool.submit(_attempt_in_worker, text, j) for j in jobs]):
                yield future.result()
    except BrokenProcessPool as error:
        raise PredictError(
            "a process was ended from outside (out of memory?); complete files are kept. Run the "
            "same command again, with a smaller num_workers."
        ) from error


def _attempt(predictor: Predictor, job: Job, advance: Callable[[float], None]) -> Outcome:
    """Run a job; an error becomes its outcome, whatever a damaged file raises.

    Raises:
        DiskFullError: no space is left, also not for other files.
    """
    try:
        return Outcome(job, predictor(job, advance), "")
    except DiskFullError:
        raise
    except Exception as error:
        log.debug("%s", job.frames, exc_info=True)
        return Outcome(job, None, message(error))


def _start_worker(threads: int) -> None:
    """Prepare a new process: its share of the cores."""
    torch.set_num_threads(threads)


def _attempt_in_worker(plain: str, job: Job) -> Outcome:
    return _attempt(_load(plain), job, no_progress)


@lru_cache(maxsize=1)
def _load(plain: str) -> Predictor:
    """Return the predictor of a configuration (JSON), read once in a process."""
    return Predictor.from_config(json.loads(plain))
