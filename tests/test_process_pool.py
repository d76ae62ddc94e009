"""Processes for jobs: a killed one ends the wait, an error ends all."""

import multiprocessing
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from roilab.interruption import interruptible
from roilab.process_pool import process_pool
from roilab.simulate import SimulationError, file_jobs


def kill_this_process(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_not_waited_for() -> None:
    with pytest.raises(BrokenProcessPool), process_pool(1, os.getpid) as pool:
        pool.submit(kill_this_process).result()
    assert multiprocessing.active_children() == []


def test_a_signal_ends_the_processes_at_once() -> None:
    def wait() -> None:
        with interruptible(), process_pool(2, os.getpid) as pool:
            jobs = [pool.submit(time.sleep, 60) for _ in range(2)]
            os.kill(os.getpid(), signal.SIGTERM)
            jobs[0].result()

    began = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        wait()
    assert ended.value.code == 143
    assert time.monotonic() - began < 30
    assert multiprocessing.active_children() == []


def test_a_killed_process_of_a_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sentence says how to go on; the pool of the standard library would wait for ever."""
    monkeypatch.setattr(file_jobs, "_no_preparation", os.abort)
    monkeypatch.setattr(file_jobs, "_count_cores", lambda: 2)
    jobs = [file_jobs.FileJob({}, Path("out"), number, (number,)) for number in range(2)]
    with (
        pytest.raises(SimulationError, match=r"ended from outside \(out of memory\?\).*fewer"),
        file_jobs.simulating_processes(2) as run_jobs,
    ):
        list(run_jobs(jobs))
