"""Callbacks that make an interrupted and resumed run end as an uninterrupted one."""

import logging
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint

log = logging.getLogger(__name__)


class SaveBest(ModelCheckpoint):
    """Lightning's checkpoint of the best epoch, without a file that no longer exists.

    A run can be killed after a better checkpoint is written and before ``last.ckpt`` is, which
    then names a removed file.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state, unless its best checkpoint is gone."""
        best = state_dict["best_model_path"]
        if best and not Path(best).is_file():
            log.info("%s is gone; the search for the best checkpoint starts again", best)
            return
        super().load_state_dict(state_dict)


class EarlyStopping(LightningEarlyStopping):
    """Lightning's early stopping, which also ends a resumed run that it had ended before."""

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
