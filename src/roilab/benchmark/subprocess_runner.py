"""Running a worker in a fresh process."""

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
    """The process that was to be measured did not come to its end; the text says how it ended."""


def run_apart(worker: str, job: Mapping[str, Any]) -> Any:
    """What a worker answers to a job, in a process of its own.

    Raises:
        WorkerError: the process failed.
    """
    # A worker's warnings would only be in the way; its errors come with the exit code.
    command = [sys.executable, "-W", "ignore", "-m", worker]
    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        hint = " (as the system does where memory is used up)" if name == "SIGKILL" else ""
        raise WorkerError(f"ended by {name}{hint}")
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise WorkerError(lines[-1].strip() if lines else f"ended with {done.returncode}")
    return json.loads(done.stdout)
