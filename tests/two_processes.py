"""Run a function in two processes of one process group, as DDP does."""

import multiprocessing
import socket
from collections.abc import Callable
from typing import Any

import torch


def _process(rank: int, port: int, queue: Any, work: Callable[[int], Any]) -> None:
    torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    queue.put(work(rank))
    torch.distributed.destroy_process_group()


def in_two_processes(work: Callable[[int], Any], start_method: str = "spawn") -> list[Any]:
    """Return the results of ``work(rank)`` in both processes, in any order.

    ``work`` must be picklable. Processes that ``fork`` starts do not import torch again, but may
    hang if this one has used several threads.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context(start_method)
    queue = context.Queue()
    jobs = [context.Process(target=_process, args=(rank, port, queue, work)) for rank in range(2)]
    for job in jobs:
        job.start()
    results = [queue.get(timeout=120) for _ in jobs]
    for job in jobs:
        job.join()
    return results
