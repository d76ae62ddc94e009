"""A run that is killed at any moment and resumed ends as an uninterrupted one."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import Callback, Trainer

from curves import results_of
from roilab.inference import read_checkpoint
from roilab.sweep.status import read_status

Run = Callable[..., None]
# Hooks after which the files in the run's folder may have changed.
HOOKS = (
    *("on_train_start", "on_train_epoch_start", "on_train_batch_end", "on_validation_start"),
    *("on_validation_end", "on_train_epoch_end", "on_train_end", "on_fit_end", "on_test_start"),
)


class Snapshots(Callback):
    """Copy the run's folder at every hook: the state after a kill at that moment.

    Where nothing but the text of the log has changed since the hook before, there is no copy.
    """

    def __init__(self, run: str, to: str) -> None:
        self.run, self.to = Path(run), Path(to)
        self.last: dict[Path, bytes] = {}

    def _copy(self, trainer: Trainer, hook: str) -> None:
        paths = (path for path in self.run.rglob("*") if path.is_file() and path.suffix != ".log")
        files = {path: path.read_bytes() for path in paths}
        if files == self.last:
            return
        self.last = files
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
    expected = results_of(run / "csv")
    weights = read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
    assert len(expected["train/loss"]) == 3
    kills = sorted(snapshots.iterdir())
    assert len(kills) > 5
    for kill in kills:
        shutil.rmtree(run)
        shutil.copytree(kill, run)
        run_train(*arguments, "resume=auto")
        resumed = results_of(run / "csv")
        np.testing.assert_equal(resumed, expected, kill.name)
        again = read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
        torch.testing.assert_close(again, weights, rtol=0, atol=0)


# Dropout: the random numbers within an epoch matter. Batch norm: so does the order of the batches.
DROPOUT_NETWORK = """
net:
  _target_: torch.nn.Sequential
  _args_:
    - {_target_: torch.nn.Conv2d, in_channels: 3, out_channels: 4, kernel_size: 3, padding: 1}
    - {_target_: torch.nn.BatchNorm2d, num_features: 4}
    - {_target_: torch.nn.Dropout, p: 0.5}
    - {_target_: torch.nn.Conv2d, in_channels: 4, out_channels: 1, kernel_size: 1}
weights: null
mask_thresh: 0.5
channels_last: false
"""


class SendSignal(Callback):
    """Send a signal to this process at a hook of an epoch, the first time."""

    def __init__(self, hook: str, epoch: int, number: int) -> None:
        self.number, self.epoch, self.sent = number, epoch, False
        setattr(self, hook, self._send)

    def _send(self, trainer: Trainer, *arguments: object, **named: object) -> None:
        if trainer.current_epoch == self.epoch and not trainer.sanity_checking and not self.sent:
            self.sent = True
            os.kill(os.getpid(), self.number)


def final_state(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return results_of(run / "csv"), read_checkpoint(run / "checkpoints" / "last.ckpt")


@pytest.fixture
def dropout_arguments(light_arguments: list[str], user_conf: Path) -> list[str]:
    (user_conf / "model" / "dropout.yaml").write_text(DROPOUT_NETWORK)
    kept = [a for a in light_arguments if not a.startswith("model=")]
    crops = [f"data.crop.{key}" for key in ("per_image=2", "channels=32", "slices=24")]
    return [*kept, *crops, "model=dropout", "scheduler=cosine", "optimizer=adamw", "grace_s=20"]


def test_signal_at_any_moment(
    run_train: Run,
    dropout_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The run saves its progress and ends with the signal's code; resumed, it ends as another."""
    run, interrupted = tmp_path / "run", tmp_path / "interrupted"
    run_train(*dropout_arguments)
    curves, checkpoint = final_state(run)
    moments = [  # hook, epoch, signal, what is logged, more arguments
        ("on_train_batch_end", 0, signal.SIGTERM, "epoch 0 after 2 of 4 batches", []),
        ("on_train_batch_start", 1, signal.SIGUSR1, "epoch 1 after 1 of 4 batches",
         ["data.num_workers=1"]),
        ("on_validation_start", 1, signal.SIGINT, "epoch 1 after 4 of 4 batches", []),
        ("on_validation_end", 0, signal.SIGTERM, "saved epoch 0 in", []),
        ("on_train_epoch_end", 1, signal.SIGTERM, "saved the last epoch in", []),
    ]  # fmt: skip
    for hook, epoch, number, saved, more in moments:
        shutil.rmtree(interrupted, ignore_errors=True)
        arguments = [*dropout_arguments, f"output_dir={interrupted}", *more]
        with pytest.raises(SystemExit) as ended:
            run_train(
                *arguments,
                f"+callbacks.signal={{_target_: test_resume.SendSignal, hook: {hook}, "
                f"epoch: {epoch}, number: {int(number)}}}",
            )
        assert ended.value.code == 128 + number
        printed = capsys.readouterr()
        assert saved in (interrupted / "train.log").read_text()
        assert f"interrupted by {number.name}; kept: {interrupted}" in printed.err
        assert f"output_dir={interrupted} resume=auto" in printed.err
        status = read_status(interrupted)
        assert status is not None
        assert status.state == "interrupted"
        run_train(*arguments, "resume=auto")
        resumed, last = final_state(interrupted)
        np.testing.assert_equal(resumed, curves, hook)
        for part in ("state_dict", "optimizer_states", "lr_schedulers"):
            torch.testing.assert_close(last[part], checkpoint[part], rtol=0, atol=0)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
