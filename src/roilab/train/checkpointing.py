"""Callbacks that make an interrupted and resumed run end as an uninterrupted one."""

import logging
import math
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint

log = logging.getLogger(__name__)


class SaveBest(ModelCheckpoint):
    """Lightning's checkpoint of the best epoch, in a run that may be moved or killed.

    Only an epoch with a finite value of the metric can be the best; Lightning would keep one with
    NaN until a better one. The state holds names of files without their folder, so that a moved or
    copied run uses the files in its new place. A run can be killed after a better checkpoint is
    written and before ``last.ckpt`` is, which then names a removed file.
    """

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with paths relative to the folder of the checkpoints."""
        return {**_relocate(super().state_dict(), None), "dirpath": ""}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state, unless its best checkpoint is not in this run's folder."""
        folder = Path(str(self.dirpath))
        state = {**_relocate(state_dict, folder), "dirpath": self.dirpath}
        best = state["best_model_path"]
        if best and not Path(best).is_file():
            log.info("%s is gone; the search for the best checkpoint starts again", best)
            return
        super().load_state_dict(state)

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


def _relocate(state: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Return a state of Lightning's ``ModelCheckpoint`` with its files in another folder."""

    def move(path: str) -> str:
        name = Path(path).name
        return str(folder / name) if name and folder else name

    files = ("best_model_path", "kth_best_model_path", "last_model_path")
    moved: dict[str, Any] = {name: move(state[name]) for name in files}
    moved["best_k_models"] = {move(path): v for path, v in state["best_k_models"].items()}
    return {**state, **moved}


class EarlyStopping(LightningEarlyStopping):
    """Lightning's early stopping, which also ends a resumed run that it had ended before.

    It begins with the first epoch that has a finite value of the metric: a training without
    validation, and a purity that is NaN as long as no ROI is found, do not end early.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state, but keep the patience as configured."""
        super().load_state_dict({**state_dict, "patience": self.patience})

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
