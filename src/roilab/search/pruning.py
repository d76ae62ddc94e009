"""Lightning callback: report the metric of each epoch to the study, end a weak trial early."""

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning import Callback, Trainer
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn

from roilab.search.storage import PRUNED, number_of, open_study, trial_of

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.trial import Trial

log = logging.getLogger(__name__)


class PruneTrial(Callback):
    """Report a validation metric of each epoch, and end the trial where the pruner says so.

    A trial that ends early ends as a training whose ``max_epochs`` is reached. The first process
    decides for all. An epoch that was reported before the trial was killed is not reported again.

    Args:
        folder: of the trial, in that of the study.
        monitor: name of the metric.
        opposite: a larger value is better where the objective should be small, or the reverse; the
            pruner knows only the direction of the objective, so the negative value is reported.
        pruner: of Optuna.
    """

    def __init__(self, folder: str, monitor: str, opposite: bool, pruner: "BasePruner") -> None:
        self.folder, self.monitor, self.opposite = Path(folder), monitor, opposite
        self.pruner = pruner
        self._trial: Trial | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find the trial; stop at once where it was ended early before."""
        ended = False
        if trainer.is_global_zero:
            study = open_study(self.folder.parent, pruner=self.pruner)
            self._trial = trial_of(study, number_of(self.folder))
            ended = PRUNED in self._trial.user_attrs
        self._stop_together(trainer, ended)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the metric of an epoch."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        self._stop_together(trainer, self._report(trainer, trainer.current_epoch))

    def _report(self, trainer: Trainer, epoch: int) -> bool:
        """Report the value of an epoch; return whether the trial should end."""
        value = trainer.callback_metrics.get(self.monitor)
        if self._trial is None or value is None or not math.isfinite(value):
            return False
        reported: Any = self._trial.study.trials[self._trial.number].intermediate_values
        if epoch not in reported:
            self._trial.report(-float(value) if self.opposite else float(value), epoch)
        if not self._trial.should_prune():
            return False
        self._trial.set_user_attr(PRUNED, epoch)
        log.info("%s=%.4g in epoch %d: the trial ends early", self.monitor, value, epoch)
        return True

    def _stop_together(self, trainer: Trainer, stop: bool) -> None:
        if trainer.strategy.broadcast(stop):
            trainer.should_stop = True
