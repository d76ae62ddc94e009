"""Sweeps by the command line in this process: names, failures, resuming, bad input."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lightning import Callback, LightningModule, Trainer

from curves import results_of
from roilab.sweep.status import Status, read_status

Run = Callable[..., None]


@pytest.fixture
def quick(sweep_arguments: list[str], tmp_path: Path) -> list[str]:
    """Arguments of a sweep in tmp_path/sweep whose jobs take a second each."""
    return [
        *("-m", *sweep_arguments),
        f"sweep.dir={tmp_path / 'sweep'}",
    ]


def job(folder: Path) -> Status:
    status = read_status(folder)
    assert status is not None
    return status


def fails(run_train: Run, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        run_train(*arguments)
    assert stopped.value.code == 1
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return printed.err + printed.out


def test_one_failure_does_not_stop_the_others(
    run_train: Run, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = dict(os.environ)
    printed = fails(run_train, capsys, *quick, "optimizer.lr=0.1,1e30", "data.threshold=50,100")
    assert dict(os.environ) == environment
    sweep = tmp_path / "sweep"
    names = [f"lr-{lr}+threshold-{t}" for lr in ("0.1", "1e30") for t in (50, 100)]
    assert json.loads((sweep / "sweep.json").read_text())["jobs"] == names
    assert [job(sweep / name).state for name in names] == ["finished"] * 2 + ["failed"] * 2
    assert "2 of 4 jobs are not finished" in printed
    first, failed = job(sweep / names[0]), job(sweep / names[2])
    assert first.swept == {"optimizer.lr": 0.1, "data.threshold": 50}
    assert first.results is not None
    assert (first.results.epochs, first.results.parameters) == (2, 9545)
    assert failed.error is not None
    assert failed.error.startswith("the training loss is")
    # The same command again, into the same folder: only the failed ones are tried again.
    fails(run_train, capsys, *quick, "optimizer.lr=0.1,1e30", "data.threshold=50,100",
          f"sweep.resume={sweep}")  # fmt: skip
    assert [job(sweep / name).starts for name in names] == [1, 1, 2, 2]


def test_a_job_trains_as_a_single_run(
    run_train: Run, quick: list[str], light_arguments: list[str], tmp_path: Path
) -> None:
    run_train(*quick, "seed=1,2")
    run_train(*light_arguments, "seed=2")
    np.testing.assert_equal(
        results_of(tmp_path / "sweep" / "seed-2" / "csv"), results_of(tmp_path / "run" / "csv")
    )


def test_killed_and_resumed(run_train: Run, quick: list[str], tmp_path: Path) -> None:
    sweep, swept = tmp_path / "sweep", ("data.threshold=50,100,200",)
    run_train(*quick, *swept)
    names = [f"threshold-{threshold}" for threshold in (50, 100, 200)]
    expected = [results_of(sweep / name / "csv") for name in names]
    # The state after a kill: one job finished, one interrupted, one not begun.
    shutil.rmtree(sweep / names[2])
    status = job(sweep / names[1])
    status.state, status.results = "running", None
    status.write(sweep / names[1])
    (sweep / names[1] / "checkpoints" / "last.ckpt").unlink()
    before = (sweep / names[0] / "train.log").stat().st_size
    run_train(*quick, *swept, f"sweep.resume={sweep}")
    np.testing.assert_equal([results_of(sweep / name / "csv") for name in names], expected)
    assert [job(sweep / name).starts for name in names] == [1, 2, 1]
    assert (sweep / names[0] / "train.log").stat().st_size - before < 500


class TerminateOnce(Callback):
    """Send SIGTERM to this process in the second epoch of the job with seed 1, once."""

    sent = False

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, *arguments: object
    ) -> None:
        first = pl_module.recipe["seed"] == 1  # type: ignore[index,operator]
        if first and trainer.current_epoch == 1 and not TerminateOnce.sent:
            TerminateOnce.sent = True
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_ends_the_sweep(
    run_train: Run, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job saves its progress, later jobs do not start; resumed, the losses are the same."""
    sweep = tmp_path / "sweep"
    arguments = [*quick, "seed=1,2", "+callbacks.end._target_=test_sweep.TerminateOnce"]
    with pytest.raises(SystemExit) as ended:
        run_train(*arguments)
    assert ended.value.code == 143
    printed = capsys.readouterr()
    assert "interrupted by SIGTERM; kept:" in printed.err
    assert "2 of 2 jobs are not finished" in printed.out
    assert job(sweep / "seed-1").state == "interrupted"
    assert not (sweep / "seed-2").exists()
    run_train(*arguments, f"sweep.resume={sweep}")
    resumed = results_of(sweep / "seed-1" / "csv")
    run_train(*quick, "seed=1,2", f"sweep.dir={tmp_path / 'again'}")
    np.testing.assert_equal(resumed, results_of(tmp_path / "again" / "seed-1" / "csv"))


def test_a_job_is_not_resumed_with_other_settings(
    run_train: Run,
    quick: list[str],
    user_conf: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The command is the same, but a configuration file has changed since."""
    sweep, settings = tmp_path / "sweep", user_conf / "loss" / "changing.yaml"
    settings.parent.mkdir(exist_ok=True)
    text = "{_target_: roilab.train.losses.WeightedBce, pos_weight: 2}"
    settings.write_text(text)
    arguments = [*quick, "loss=changing", "seed=1,2", "trainer.max_epochs=1"]
    run_train(*arguments)
    status = job(sweep / "seed-1")
    status.state, status.results = "running", None
    status.write(sweep / "seed-1")
    settings.write_text(text.replace("2", "3"))
    printed = fails(run_train, capsys, *arguments, f"sweep.resume={sweep}")
    settings.unlink()
    assert "These cannot change: loss.pos_weight: 2 -> 3." in printed
    assert [job(sweep / f"seed-{seed}").state for seed in (1, 2)] == ["failed", "finished"]
    assert "pos_weight: 2" in (sweep / "seed-1" / ".hydra" / "config.yaml").read_text()


def test_wandb_runs_do_not_leak(run_train: Run, quick: list[str], tmp_path: Path) -> None:
    import wandb

    with pytest.raises(SystemExit):
        run_train(*quick, "logger=many", "optimizer.lr=1e30,0.1", "trainer.max_epochs=4")
    assert wandb.run is None
    runs = sorted(tmp_path.glob("sweep/*/wandb/offline-run-*"))
    assert [run.parents[1].name for run in runs] == ["lr-0.1", "lr-1e30"]


BAD = [
    (["data.nonsense=1,2"], "data.nonsense=1,2: roilab train has no key data.nonsense"),
    (["data.rebin=4,4"], "more than one is rebin-4"),
    (["sweep.resume=nowhere", "seed=1,2"], "not the folder of a sweep"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_sweeps_leave_no_folder(
    run_train: Run,
    quick: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    assert text in fails(run_train, capsys, *quick, *arguments)
    assert not (tmp_path / "sweep").exists()


def test_folder_of_another_sweep(
    run_train: Run, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "sweep"
    run_train(*quick, "seed=1,2", "trainer.fast_dev_run=true")
    printed = fails(run_train, capsys, *quick, "seed=1,3", "trainer.fast_dev_run=true")
    assert f"resume it with sweep.resume={sweep}" in printed
    printed = fails(run_train, capsys, *quick, "seed=1,3", "trainer.fast_dev_run=true",
                 f"sweep.resume={sweep}")  # fmt: skip
    assert "it had seed=1,2, this has seed=1,3" in printed


def test_resuming_a_sweep_without_multirun(
    run_train: Run, light_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "add -m" in fails(run_train, capsys, *light_arguments, "sweep.resume=somewhere")
