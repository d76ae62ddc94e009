"""Processes that work on jobs, and end with this one."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from roilab.interruption import ignore_signals

Start = Callable[..., None]


class ProcessPool(ProcessPoolExecutor):
    """Processes that can be ended in the middle of their jobs."""

    def __init__(self, count: int, start: Start, *arguments: Any) -> None:
        self._before = set(multiprocessing.active_children())
        # "spawn", because this process may run threads of torch or BLAS, which "fork" does not
        # copy.
        context = multiprocessing.get_context("spawn")
        super().__init__(count, context, _start, (start, *arguments))

    def end(self) -> None:
        """End all processes at once, and wait for their ends."""
        for process in set(multiprocessing.active_children()) - self._before:
            process.terminate()
        self.shutdown(cancel_futures=True)


@contextmanager
def process_pool(count: int, start: Start, *arguments: Any) -> Iterator[ProcessPool]:
    """Give ``count`` new processes; an error or a signal here ends them at once.

    A process that is killed raises ``BrokenProcessPool``; a ``multiprocessing.Pool`` would wait
    for its result without end.

    Args:
        count: number of processes.
        start: called in each of them first, with ``arguments``.
        arguments: can be pickled.
    """
    pool = ProcessPool(count, start, *arguments)
    try:
        yield pool
    except BaseException:
        pool.end()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _start(start: Start, *arguments: Any) -> None:
    # Ctrl-C reaches the group of processes. The parent ends them, by SIGTERM.
    ignore_signals(signal.SIGINT, signal.SIGUSR1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start(*arguments)


def _end_with_parent() -> None:
    """End this process when its parent is gone, even if that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
