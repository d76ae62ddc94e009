"""Settings of optimizer and scheduler that a resumed run changes."""

from collections.abc import Sequence
from typing import Any

from lightning import Callback, LightningModule, Trainer

from roilab.train.resume import Difference


class OverrideOptimizer(Callback):
    """Train on with the optimizer's state of the checkpoint, but with changed settings.

    If the learning rate or the scheduler changes, the schedule begins anew at the resumed epoch,
    from the configured learning rate. Otherwise it goes on.

    Args:
        differences: between the checkpoint's recipe and the configuration.
    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        keys = [each.key for each in differences]
        self._names = {key.split(".")[1] for key in keys if key.startswith("optimizer.")}
        self._anew = "lr" in self._names or any(key.startswith("scheduler.") for key in keys)
        if self._anew:
            self._names |= {"lr", "initial_lr"}
        self._configured: list[dict[str, Any]] = []  # by parameter group

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Leave out the state of a schedule that begins anew."""
        if self._anew:
            checkpoint["lr_schedulers"] = []

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the settings as configured, before those of the checkpoint are loaded."""
        groups = [group for one in trainer.optimizers for group in one.param_groups]
        self._configured = [{name: group.get(name) for name in self._names} for group in groups]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the configured settings."""
        groups = [group for one in trainer.optimizers for group in one.param_groups]
        for group, configured in zip(groups, self._configured, strict=True):
            group |= {name: value for name, value in configured.items() if value is not None}
