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
    """Count the images of the first epoch whose truth mask is empty, and warn once.

    An image is empty if all of its crops are, where the training is on crops.
    """

    def __init__(self) -> None:
        self._has_truth: dict[str, bool] = {}  # by name of the image

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: TrainingItem, batch_idx: int
    ) -> None:
        """Note which images of a batch have true pixels."""
        if trainer.current_epoch > 0:
            return
        has_truth = batch["truth_mask"].flatten(1).any(1).tolist()
        for name, truth in zip(batch["name"], has_truth, strict=True):
            self._has_truth[name] = truth or self._has_truth.get(name, False)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn after the first epoch."""
        empty = [name for name, truth in self._has_truth.items() if not truth]
        if empty:
            log.warning(
                "%d of %d training images have an empty truth mask (the first: %s); from them the "
                "network learns only noise. If not intended, lower data.threshold or check "
                "data.truth.",
                len(empty),
                len(self._has_truth),
                empty[0],
            )
        self._has_truth = {}
