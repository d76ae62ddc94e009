"""Checkpoint to resume from: after every epoch, and where a signal interrupts one."""

import logging
import signal
from pathlib import Path
from typing import Any, NoReturn

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from roilab.interruption import (
    Interrupted,
    claim_signals,
    defer,
    requested,
    undefer,
    watching,
)
from roilab.train.mid_epoch import (
    ProcessState,
    collect_state,
    own_state,
    restore_loss,
    restore_random,
)

log = logging.getLogger(__name__)


class SaveLast(Callback):
    """Write ``last.ckpt`` after each epoch, its scheduler step and its logs.

    Lightning's own last checkpoint is written before both, and only together with a best one: a
    run resumed from it loses a step of the scheduler and a line of the log.

    After a signal it is written at the end of the batch, and the run ends. A validation is begun
    again when resumed.

    Args:
        output_dir: folder of ``last.ckpt``.
        grace_s: seconds from a signal to the end of the run, whether or not it is written [s].
    """

    def __init__(self, output_dir: str, grace_s: float) -> None:
        self.path = Path(output_dir) / "last.ckpt"
        self.grace_s = grace_s
        self._epoch_begun = False
        self._validation_due = False  # all batches are done, the validation is not
        self._saved: list[ProcessState] | None = None  # of all processes, in the checkpoint
        self._restored: ProcessState | None = None  # of this process, until its first batch

    # Lightning takes SIGTERM for the run of each stage.
    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals back."""
        claim_signals()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals back."""
        claim_signals()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Defer the effect of signals; go on with the loss of an interrupted epoch."""
        claim_signals()
        defer(self.grace_s)
        if self._saved is not None:
            self._restored = own_state(self._saved, trainer)
            self._saved = None
            restore_loss(self._restored, pl_module)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Go on with the random numbers of an interrupted epoch."""
        if self._restored is not None:
            restore_random(self._restored, pl_module.device)
            self._restored = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save within the epoch after a signal, where no gradient or validation is pending."""
        done = batch_idx + 1
        validates = trainer.val_check_batch
        pending = done % trainer.accumulate_grad_batches or trainer.is_last_batch
        if not pending and not (validates and done % validates == 0) and self._to_end(trainer):
            self._save_and_end(trainer, pl_module, done)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save before the validation after a signal."""
        claim_signals()
        self._end_before_validation(trainer, pl_module)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *arguments: Any
    ) -> None:
        """Save within the validation after a signal; several processes are not in step here."""
        if trainer.world_size == 1:
            self._end_before_validation(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the loss of an epoch whose batches were all trained before it was interrupted."""
        if self._restored is not None:
            self._restored = None
            pl_module.log("train/loss", pl_module.losses["train"])  # type: ignore[index]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state after the previous epoch.

        This is the first hook after the scheduler's step and the logs of that epoch.
        """
        if trainer.current_epoch > 0:
            self._epoch_begun = True
            self._save(trainer)
            self._epoch_begun = False
            if self._to_end(trainer):
                self._end(f"saved epoch {trainer.current_epoch - 1}")

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Correct Lightning's counts.

        It has counted the epoch that has just begun, and would skip it on resuming. Without one
        validation batch that is begun it would take the validation for done.
        """
        loops = checkpoint["loops"]["fit_loop"]
        if self._epoch_begun:
            for counts in (loops["epoch_progress"]["current"], loops["epoch_progress"]["total"]):
                counts["ready"] -= 1
        if self._validation_due:
            progress = loops["epoch_loop.val_loop.batch_progress"]
            for counts in (progress["current"], progress["total"]):
                counts |= {"ready": 1, "started": 1, "processed": 0, "completed": 0}

    def state_dict(self) -> dict[str, Any]:
        """Return the state within an epoch; empty between two."""
        return {} if self._saved is None else {"processes": self._saved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state within an epoch."""
        self._saved = state_dict.get("processes")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state after the last epoch."""
        self._save(trainer)
        ends = self._to_end(trainer)
        undefer()
        if ends:
            self._end("saved the last epoch")

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Let a signal end the clean-up at once."""
        undefer()

    def _end_before_validation(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the state before the validation at the end of an epoch, after a signal."""
        fitting = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking
        if fitting and trainer.is_last_batch and self._to_end(trainer):
            self._validation_due = True
            self._save_and_end(trainer, pl_module, trainer.num_training_batches)

    def _to_end(self, trainer: Trainer) -> bool:
        """Return whether a signal has come to any process."""
        if not watching() or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return False
        mine = requested() is not None
        return bool(trainer.strategy.reduce_boolean_decision(mine, all=False))

    def _save_and_end(
        self, trainer: Trainer, module: LightningModule, done: int | float
    ) -> NoReturn:
        self._saved = collect_state(trainer, module)
        self._save(trainer)
        batches = trainer.num_training_batches
        self._end(f"saved epoch {trainer.current_epoch} after {done} of {batches} batches")

    def _end(self, what: str) -> NoReturn:
        log.info("%s in %s", what, self.path)
        raise Interrupted(requested() or signal.SIGTERM)

    def _save(self, trainer: Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self.path, weights_only=False)
