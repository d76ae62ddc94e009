"""Sanity checks of a run: finite losses, images with truth."""

import logging
import math
from typing import Any

from lightning import Callback, LightningModule, Trainer

from roilab.data import TrainingItem
from roilab.errors import RoilabError

log = logging.getLogger(__name__)


class NanLossError(RoilabError):
    """The training loss is NaN or infinite."""


class StopOnNanLoss(Callback):
    """Stop the run at the first training loss that is NaN or infinite."""

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: TrainingItem,
        batch_idx: int,
    ) -> None:
        """Check the loss of a batch.

        Raises:
            NanLossError: the loss is NaN or infinite.
        """
        loss = float(outputs["loss"])
        if not math.isfinite(loss):
            raise NanLossError(
                f"the training loss is {loss} at epoch {trainer.current_epoch}, step "
                f"{trainer.global_step} ({', '.join(batch['name'])}); expected a finite number. "
                "Lower the learning rate (optimizer.lr), clip gradients "
                "(trainer.gradient_clip_val=1), or train in trainer.precision=32-true."
            )


class WarnEmptyTruth(Callback):
    """Count the images of the first epoch whose truth mask is empty, and warn once."""

    def __init__(self) -> None:
        self._n_images, self._empty = 0, list[str]()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: TrainingItem, batch_idx: int
    ) -> None:
        """Count the empty masks of a batch."""
        if trainer.current_epoch > 0:
            return
        has_truth = batch["truth_mask"].flatten(1).any(1)
        self._n_images += len(has_truth)
        self._empty += [n for n, truth in zip(batch["name"], has_truth, strict=True) if not truth]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn after the first epoch."""
        if not self._empty:
            return
        log.warning(
            "%d of %d training images have an empty truth mask (the first: %s); from them the "
            "network learns only noise. If not intended, lower data.threshold or check data.truth.",
            len(self._empty),
            self._n_images,
            self._empty[0],
        )
        self._empty = []
