"""Run a worker in a fresh process."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from roilab.benchmark.process import MeasurementError

WORKER = "roilab.benchmark.worker"
MEMORY_WORKER = "roilab.benchmark.memory_worker"


class WorkerError(MeasurementError):
    """A measured process failed; the message says how it ended."""


def run_in_subprocess(worker: str, job: Mapping[str, Any]) -> Any:
    """Run one job in a new process and return its result.

    Args:
        worker: module that reads a job from standard input and writes its result to standard output
            (both JSON).
        job: input of the worker.

    Raises:
        WorkerError: the process failed.
    """
    # Warnings are ignored; an error sets the exit code and is reported.
    command = [sys.executable, "-W", "ignore", "-m", worker]
    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        hint = " (the system does so when memory is used up)" if name == "SIGKILL" else ""
        raise WorkerError(f"ended by {name}{hint}")
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise WorkerError(lines[-1].strip() if lines else f"ended with {done.returncode}")
    return json.loads(done.stdout)
