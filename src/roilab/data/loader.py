"""Batches of images, in processes that the main process ends, from any batch of an epoch on."""

import atexit
import multiprocessing
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning.fabric.utilities.seed import pl_worker_init_function
from torch.utils.data import DataLoader, Dataset

from roilab.data.dataset import TrainingItem, collate
from roilab.data.epochs import EpochDataset, collate_epoch
from roilab.data.sampler import SkippingSampler
from roilab.interruption import ignore_signals


class BatchLoader(DataLoader[TrainingItem]):
    """Batches of images.

    Lightning saves ``state_dict`` in a checkpoint, and loads it to resume within an epoch: the
    batches before are then neither read nor returned.

    Args:
        dataset: images, or those that change from epoch to epoch.
        sampler: order of the images.
        options: other arguments of ``torch.utils.data.DataLoader``.
    """

    def __init__(self, dataset: Dataset[Any], sampler: SkippingSampler, **options: Any) -> None:
        # With a generator of the loader, the number of its processes does not change the random
        # numbers of the training.
        super().__init__(
            dataset,
            sampler=sampler,
            collate_fn=collate_epoch if isinstance(dataset, EpochDataset) else collate,
            worker_init_fn=start_worker,
            generator=torch.Generator(),
            **options,
        )
        self._returned = self._skipped = 0

    def state_dict(self) -> dict[str, int]:
        """Return the number of batches of the epoch that have been returned."""
        return {"batches": self._returned}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Leave out the batches that had been returned, in the next iteration only."""
        self._skipped = state["batches"]

    def __iter__(self) -> Iterator[TrainingItem]:  # type: ignore[override]
        skipped, self._skipped = self._skipped, 0
        return self._batches(skipped)

    def _batches(self, skipped: int) -> Iterator[TrainingItem]:
        """Yield the batches after the first ``skipped``.

        A generator starts at its first batch, when Lightning has set the epoch of the sampler.
        """
        assert isinstance(self.sampler, SkippingSampler)
        self.sampler.skipped = skipped * (self.batch_size or 1)
        self._returned = skipped
        for batch in super().__iter__():
            self._returned += 1
            yield batch


def start_worker(number: int) -> None:
    """Prepare a process that loads data: seed it, and leave signals to the main process."""
    pl_worker_init_function(number)
    ignore_signals()


@contextmanager
def ending_workers() -> Iterator[None]:
    """End the processes of a loader at once where an error leaves its loop.

    The traceback of the error would keep the iterator, and a later garbage collection waits 5 s for
    each process.
    """
    try:
        yield
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)
        raise


@atexit.register
def _kill_workers() -> None:
    """Kill what still loads data: Python would ask it to end by SIGTERM, and wait for ever."""
    for process in multiprocessing.active_children():
        if process.daemon:
            process.kill()
