"""Learning rate, speed and memory of every epoch."""

import time
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from roilab.data import RoiDataModule, RoiDataset, TrainingItem
from roilab.peak_memory import peak_mb


class EpochCosts(Callback):
    """Log learning rate, speed, waiting for input, and memory, once an epoch.

    ``lr`` is that at the start of the epoch. ``speed/images_per_s`` and ``speed/events_per_s``
    count all processes; an event can have several planes, an image each. ``speed/input_wait`` is
    the part of the time of the training in which the network waits for the next batch.
    ``memory/process_mb`` and ``memory/gpu_mb`` are peaks since the start of the process
    [MB, 1e6 bytes]. Of several processes, speed and waiting are means, memory is the largest.
    """

    def __init__(self) -> None:
        self._rates: list[float] = []
        self._images = 0
        self._computing = self._waiting = self._mark = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return the learning rates: an epoch that is resumed has no start."""
        return {"rates": self._rates}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the learning rates of the epoch that is resumed."""
        self._rates = list(state_dict["rates"])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock, also within an epoch that is resumed."""
        self._mark = time.perf_counter()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock, and note the learning rates."""
        self._rates = [group["lr"] for one in trainer.optimizers for group in one.param_groups]
        self._images = 0
        self._computing = self._waiting = 0.0
        self._mark = time.perf_counter()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: TrainingItem, batch_idx: int
    ) -> None:
        """Count the time since the last batch as waiting."""
        self._waiting += self._lap()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: TrainingItem,
        batch_idx: int,
    ) -> None:
        """Count the time of the batch as computing; crops of one image count once."""
        self._computing += self._lap()
        self._images += len(set(batch["name"]))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave out the time of a validation within an epoch."""
        self._mark = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log all numbers."""
        numbers = {"lr" if n == 0 else f"lr-{n}": rate for n, rate in enumerate(self._rates)}
        seconds = self._computing + self._waiting
        if seconds > 0 and self._images:
            rate = self._images * trainer.world_size / seconds
            numbers["speed/images_per_s"] = rate
            numbers["speed/events_per_s"] = rate * _events_per_image(trainer)
            numbers["speed/input_wait"] = self._waiting / seconds
        memory = {"memory/process_mb": peak_mb()}
        if torch.cuda.is_available():
            memory["memory/gpu_mb"] = torch.cuda.max_memory_allocated() / 1e6
        # All processes are here, once an epoch.
        pl_module.log_dict(numbers, sync_dist=True)
        pl_module.log_dict(memory, sync_dist=True, reduce_fx="max")

    def _lap(self) -> float:
        now = time.perf_counter()
        seconds, self._mark = now - self._mark, now
        return seconds


def _events_per_image(trainer: Trainer) -> float:
    """Return events over images of the training; 1 where the data module is of another package."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    dataset = data.dataset("train") if isinstance(data, RoiDataModule) else None
    if not isinstance(dataset, RoiDataset) or not dataset.sources:
        return 1.0
    return len({source.event_key for source in dataset.sources}) / len(dataset.sources)
