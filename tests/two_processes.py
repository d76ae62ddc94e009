"""Run a function in two processes of one process group, as DDP does."""

import multiprocessing
import socket
from collections.abc import Callable
from typing import Any

import torch


def _process(rank: int, port: int, queue: Any, work: Callable[[int], Any]) -> None:
    torch.set_num_threads(1)  # "fork" does not copy the threads of torch
    torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    queue.put(work(rank))
    torch.distributed.destroy_process_group()


def in_two_processes(work: Callable[[int], Any]) -> list[Any]:
    """Return the results of ``work(rank)`` in both processes.

    They are forked, as those of a data loader, because a new process would import torch again.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    jobs = [context.Process(target=_process, args=(rank, port, queue, work)) for rank in range(2)]
    for job in jobs:
        job.start()
    results = [queue.get(timeout=120) for _ in jobs]
    for job in jobs:
        job.join()
    return results
