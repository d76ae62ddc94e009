"""A run that is killed at any moment and resumed ends as an uninterrupted one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from lightning import Callback, Trainer

from roilab.csv_log import read_curves
from roilab.inference import read_checkpoint

Run = Callable[..., None]
# Hooks after which the files in the run's folder may have changed.
HOOKS = (
    *("on_train_start", "on_train_epoch_start", "on_train_batch_end", "on_validation_start"),
    *("on_validation_end", "on_train_epoch_end", "on_train_end", "on_fit_end", "on_test_start"),
)


class Snapshots(Callback):
    """Copy the run's folder at every hook: the state after a kill at that moment."""

    def __init__(self, run: str, to: str) -> None:
        self.run, self.to = Path(run), Path(to)

    def _copy(self, trainer: Trainer, hook: str) -> None:
        name = f"{trainer.current_epoch}-{trainer.global_step:02d}-{trainer.state.fn}-{hook}"
        shutil.copytree(self.run, self.to / name, dirs_exist_ok=True)


def _hook(name: str) -> Callable[..., None]:
    def copy(self: Snapshots, trainer: Trainer, *arguments: object, **named: object) -> None:
        self._copy(trainer, name)

    return copy


for _name in HOOKS:
    setattr(Snapshots, _name, _hook(_name))


def test_killed_at_every_hook(run_train: Run, light_arguments: list[str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [
        *(*light_arguments, "trainer.max_epochs=3", "scheduler=cosine", "optimizer=adamw"),
        "data.batch_size=2",
    ]
    snapshots = tmp_path / "snapshots"
    run_train(
        *arguments,
        "+callbacks.snapshots._target_=test_resume.Snapshots",
        f"+callbacks.snapshots.run={run}",
        f"+callbacks.snapshots.to={snapshots}",
    )
    expected = read_curves(run / "csv")
    weights = read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
    assert len(expected["train/loss"]) == 3
    kills = sorted(snapshots.iterdir())
    assert len(kills) > 15
    for kill in kills:
        shutil.rmtree(run)
        shutil.copytree(kill, run)
        run_train(*arguments, "resume=auto")
        resumed = read_curves(run / "csv")
        np.testing.assert_equal(resumed, expected, kill.name)
        again = read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
        torch.testing.assert_close(again, weights, rtol=0, atol=0)
