"""What makes an interrupted run, resumed, end as an uninterrupted one."""

import logging
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint

log = logging.getLogger(__name__)


class SaveLast(Callback):
    """Writes ``last.ckpt`` once an epoch is over: learning rate stepped, everything logged.

    Lightning's own last checkpoint is written before both, and only where the best one was
    written too: a run resumed from it loses a step of the scheduler and a line of the log.

    Args:
        dir: folder of the checkpoints.
    """

    def __init__(self, dir: str) -> None:
        self.path = Path(dir) / "last.ckpt"

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the epoch before, as if the next had not begun.

        Lightning, which has counted it as ready, would otherwise skip it on resuming.
        """
        progress = trainer.fit_loop.epoch_progress
        if trainer.current_epoch > 0:
            progress.current.ready -= 1
            progress.total.ready -= 1
            self._save(trainer)
            progress.current.ready += 1
            progress.total.ready += 1

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last epoch."""
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.path, weights_only=False)


class SaveBest(ModelCheckpoint):
    """Lightning's checkpoint of the best epoch, which forgets a file that is gone.

    A run can be killed between the writing of a better checkpoint and of ``last.ckpt``, which
    then names a file that was removed.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the state, unless its best checkpoint is no more."""
        best = state_dict["best_model_path"]
        if best and not Path(best).is_file():
            log.info("%s is gone; the best checkpoint is looked for anew", best)
            return
        super().load_state_dict(state_dict)


class EarlyStopping(LightningEarlyStopping):
    """Lightning's, which stays stopped where a run is resumed that it had ended."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End at once where the patience was used up before."""
        if self.stopped_epoch and self.wait_count >= self.patience:
            log.info(
                "training stopped at epoch %d: %s had not improved for %d epochs "
                "(callbacks.early_stopping=null to go on)",
                self.stopped_epoch,
                self.monitor,
                self.patience,
            )
            trainer.should_stop = True
