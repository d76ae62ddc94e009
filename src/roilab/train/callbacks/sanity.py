"""Watching over a run: losses that are no numbers, images without truth."""

import logging
import math
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from roilab.data import TrainingItem
from roilab.errors import RoilabError

log = logging.getLogger(__name__)


class NanLossError(RoilabError):
    """The training loss is NaN or infinite."""


class StopOnNanLoss(Callback):
    """Ends the run, with a sentence, at the first training loss that is NaN or infinite."""

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: TrainingItem,
        batch_idx: int,
    ) -> None:
        """Raises NanLossError."""
        loss = float(outputs["loss"])
        if not math.isfinite(loss):
            raise NanLossError(
                f"the training loss is {loss} at epoch {trainer.current_epoch}, step "
                f"{trainer.global_step} ({', '.join(batch['name'])}); expected a finite number. "
                "Lower the learning rate (optimizer.lr), clip gradients "
                "(trainer.gradient_clip_val=1), or train in trainer.precision=32-true."
            )


class WarnEmptyTruth(Callback):
    """Counts images of the first epoch whose truth mask is empty, and says so once."""

    def __init__(self) -> None:
        self._seen, self._empty = 0, list[str]()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: TrainingItem, batch_idx: int
    ) -> None:
        """Look at the masks of a batch."""
        if trainer.current_epoch > 0:
            return
        any_true = batch["truth_mask"].flatten(1).any(1)
        self._seen += len(any_true)
        empty = torch.nonzero(~any_true)[:, 0].tolist()
        self._empty += [batch["name"][index] for index in empty]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn after the first epoch."""
        if not self._empty:
            return
        log.warning(
            "%d of %d training images have an empty truth mask (the first: %s); they teach only "
            "what noise looks like. If not meant, lower data.threshold or check data.truth.",
            len(self._empty),
            self._seen,
            self._empty[0],
        )
        self._empty = []
