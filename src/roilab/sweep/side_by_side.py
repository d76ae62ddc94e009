"""End the jobs of a sweep together that run side by side (``hydra/launcher=joblib``)."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from roilab.sweep.folder import Sweep
from roilab.sweep.status import StatusError, read_status

_AFTER_GRACE = 10.0  # seconds that a job may take to end after it has saved its progress


def end_together(sweep: Sweep, grace_s: float) -> Callable[[int], None]:
    """Return a function that passes a signal on to all running jobs and waits for their end.

    Joblib kills the others as soon as one has ended, also while they write a checkpoint.
    """

    def end(number: int) -> None:
        processes = [process.pid for process in multiprocessing.active_children()]
        for pid in processes:
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        last = time.monotonic() + grace_s + _AFTER_GRACE
        while time.monotonic() < last and _running(sweep, processes):
            time.sleep(0.1)

    return end


def _running(sweep: Sweep, processes: list[int | None]) -> bool:
    """Return whether any of the processes works on a job of the sweep."""
    alive = {p.pid for p in multiprocessing.active_children()} & set(processes)
    for folder in sweep.job_folders():
        with suppress(StatusError):
            status = read_status(folder)
            if status is not None and status.state == "running" and status.pid in alive:
                return True
    return False


@cache
def end_with_parent() -> None:
    """End this process, which works for a sweep, when that is gone, even if it was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
