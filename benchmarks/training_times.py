"""Callback that measures a training: seconds of its steps, of waiting for input, and its losses."""

import json
import time
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer


class Times(Callback):
    """Write seconds and validation loss of every epoch as JSON to ``path`` at the end.

    What passes between two steps counts as waiting for input; it includes Lightning's work there.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.record: dict[str, Any] = {
            name: [] for name in ("train_seconds", "input_seconds", "elapsed", "val_loss")
        }
        self._began = self._epoch = self._end_of_step = time.perf_counter()
        self._waited = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock of the training."""
        self._began = time.perf_counter()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock of the epoch."""
        self._epoch = self._end_of_step = time.perf_counter()
        self._waited = 0.0
        self.record["events"] = trainer.num_training_batches

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Add the time since the last step."""
        self._waited += time.perf_counter() - self._end_of_step

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Note the end of a step."""
        self._end_of_step = time.perf_counter()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the seconds of the epoch's steps, which end before the validation."""
        if trainer.state.fn == "fit":
            self.record["train_seconds"].append(self._end_of_step - self._epoch)
            self.record["input_seconds"].append(self._waited)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the time since the start, and the loss."""
        if trainer.state.fn == "fit":
            self.record["elapsed"].append(time.perf_counter() - self._began)
            self.record["val_loss"].append(float(trainer.callback_metrics["val/loss"]))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the record."""
        self.path.write_text(json.dumps(self.record))
