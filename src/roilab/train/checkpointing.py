"""Callbacks that make an interrupted and resumed run end as an uninterrupted one."""

import logging
import math
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint

log = logging.getLogger(__name__)


class SaveLast(Callback):
    """Write ``last.ckpt`` after each epoch, its scheduler step and its logs.

    Lightning's own last checkpoint is written before both, and only together with a best one: a
    run resumed from it loses a step of the scheduler and a line of the log.
    """

    def __init__(self, output_dir: str) -> None:
        self.path = Path(output_dir) / "last.ckpt"
        self._epoch_begun = False

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state after the previous epoch.

        This is the first hook after the scheduler's step and the logs of that epoch.
        """
        if trainer.current_epoch > 0:
            self._epoch_begun = True
            self._save(trainer)
            self._epoch_begun = False

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take the epoch that has just begun out of the checkpoint's count of epochs.

        Lightning has counted it as begun and would skip it on resuming.
        """
        if self._epoch_begun:
            progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]
            for counts in (progress["current"], progress["total"]):
                counts["ready"] -= 1

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state after the last epoch."""
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        if not _is_trial(trainer):
            trainer.save_checkpoint(self.path, weights_only=False)


class SaveBest(ModelCheckpoint):
    """Lightning's checkpoint of the best epoch, among those with a finite value of the metric.

    Lightning would keep an epoch with NaN as the best until a better one. A checkpoint that no
    longer exists is not resumed from: a run can be killed after a better one is written and before
    ``last.ckpt`` is, which then names a removed file.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state, unless its best checkpoint is gone."""
        best = state_dict["best_model_path"]
        if best and not Path(best).is_file():
            log.info("%s is gone; the search for the best checkpoint starts again", best)
            return
        super().load_state_dict(state_dict)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the epoch if it is the best."""
        if self._finite(trainer):
            super().on_validation_end(trainer, pl_module)
        elif self.monitor in trainer.callback_metrics and not trainer.sanity_checking:
            value = _monitored(trainer, str(self.monitor))
            log.info("%s is %s in epoch %d: not kept", self.monitor, value, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the epoch if it is the best, where the metric is one of the training."""
        if self._finite(trainer):
            super().on_train_epoch_end(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say why there is no best checkpoint."""
        super().on_train_end(trainer, pl_module)
        if self.monitor is not None and not self.best_model_path and not _is_trial(trainer):
            value = _monitored(trainer, self.monitor)
            log.warning(
                "no checkpoint is the best: %s %s. The network is that of the last epoch.",
                self.monitor,
                "was not computed" if value is None else f"was never finite (at last {value})",
            )

    def _finite(self, trainer: Trainer) -> bool:
        if self.monitor is None:
            return True
        value = _monitored(trainer, self.monitor)
        return value is not None and math.isfinite(value)


class EarlyStopping(LightningEarlyStopping):
    """Lightning's early stopping, which also ends a resumed run that it had ended before.

    It begins with the first epoch that has a finite value of the metric: a training without
    validation, and a purity that is NaN as long as no ROI is found, do not end early.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once where the patience was used up before."""
        if self.stopped_epoch and self.wait_count >= self.patience:
            log.info(
                "training stopped at epoch %d: %s had not improved for %d epochs "
                "(callbacks.early_stopping=null to go on)",
                self.stopped_epoch,
                self.monitor,
                self.patience,
            )
            trainer.should_stop = True

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the epochs without improvement."""
        if self._begun(trainer):
            super().on_validation_end(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the epochs without improvement, where the metric is one of the training."""
        if self._begun(trainer):
            super().on_train_epoch_end(trainer, pl_module)

    def _begun(self, trainer: Trainer) -> bool:
        value = _monitored(trainer, self.monitor)
        return value is not None and bool(math.isfinite(value) or self.best_score.isfinite())


def _monitored(trainer: Trainer, name: str) -> float | None:
    """Return the value of a logged metric; ``None`` where it has not been computed."""
    value = trainer.callback_metrics.get(name)
    return None if value is None else float(value)


def _is_trial(trainer: Trainer) -> bool:
    return bool(trainer.fast_dev_run)  # type: ignore[attr-defined]
