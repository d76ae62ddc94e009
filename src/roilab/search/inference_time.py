"""Lightning callback: the time that the network takes for one image."""

import statistics
import time
from typing import Any

import torch
from lightning import Callback, Trainer
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn

from roilab.search.objectives import TIME

_REPEATS = 5


class InferenceTime(Callback):
    """Measure the network on the first validation image after the training.

    The median of five times [s] is logged as ``time/inference``, on the device and with the
    precision of the training.
    """

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Measure the first batch of the best checkpoint."""
        if trainer.state.fn != TrainerFn.VALIDATING or batch_idx:
            return
        image, times = batch["image"][:1], []
        with torch.no_grad(), trainer.precision_plugin.forward_context():
            pl_module(image)  # buffers and kernels are made at the first call
            for _ in range(_REPEATS):
                began = _now(image.device)
                pl_module(image)
                times.append(_now(image.device) - began)
        pl_module.log(TIME, statistics.median(times), batch_size=1)


def _now(device: torch.device) -> float:
    """Return the time after all work of a GPU [s]."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
