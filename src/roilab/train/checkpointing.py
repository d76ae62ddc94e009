"""Callbacks that make an interrupted and resumed run end as an uninterrupted one."""

import logging
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping
from lightning.pytorch.callbacks import ModelCheckpoint

log = logging.getLogger(__name__)


class SaveBest(ModelCheckpoint):
    """Lightning's checkpoint of the best epoch, in a run that may be moved or killed.

    The state holds names of files without their folder, so that a moved or copied run uses the
    files in its new place. A run can be killed after a better checkpoint is written and before
    ``last.ckpt`` is, which then names a removed file.
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
