"""Folders of runs: never shared by accident, moved without harm."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

import roilab
from roilab.folder_lock import FolderError, lock_folder, make_new_folder
from roilab.inference import read_checkpoint
from roilab.sweep.status import read_status

Run = Callable[..., None]
HOLD = """
import sys
from pathlib import Path
from roilab.folder_lock import lock_folder
lock = lock_folder(Path(sys.argv[1]), "-")
print("locked", flush=True)
sys.stdin.read()
"""


TIME = "2026-01-02/03-04-05"


class OneSecond(datetime):
    """Clock that stands still."""

    @classmethod
    def now(cls, tz: object = None) -> "OneSecond":
        return cls(2026, 1, 2, 3, 4, 5)


def fails(run: Run, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code == 1
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    return printed


@pytest.fixture
def quick(light_arguments: list[str]) -> list[str]:
    """Arguments of a training of two batches."""
    given = [one for one in light_arguments if not one.startswith("callbacks.")]
    return [*given, "trainer.fast_dev_run=true", "callbacks=none"]


def test_each_gets_a_new_folder(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make_new_folder, [tmp_path / "a" / "12-00-00"] * 8))
    names = {"12-00-00", *(f"12-00-00-{number}" for number in range(2, 9))}
    assert {path.name for path in made} == names
    assert {path.name for path in (tmp_path / "a").iterdir()} == names


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="file"):
        make_new_folder(tmp_path / "file" / "12-00-00")
    with pytest.raises(FolderError, match="Name another"):
        lock_folder(tmp_path / "file", "name another")


@pytest.fixture
def held(tmp_path: Path) -> subprocess.Popen[str]:
    """Process that holds the lock of tmp_path/run."""
    environment = {**os.environ, "PYTHONPATH": str(Path(roilab.__file__).parents[1])}
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_running_run_is_not_disturbed(
    held: subprocess.Popen[str],
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A training, with resume too, is refused; after kill -9 of the other the lock is free."""
    for more in ([], ["resume=auto"]):
        printed = fails(run_train, capsys, *light_arguments, *more)
        assert f"in use by process {held.pid} on {socket.gethostname()} since" in printed
        assert "name another folder with output_dir=FOLDER" in printed
    assert {path.name for path in (tmp_path / "run").iterdir()} == {".lock", ".lock.json"}
    held.kill()
    held.communicate()
    lock_folder(tmp_path / "run", "-").release()
    assert json.loads((tmp_path / "run" / ".lock.json").read_text())["pid"] == os.getpid()


def test_two_simulations_in_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from roilab.cli import main

    lock = lock_folder(tmp_path / "run", "-")
    with pytest.raises(SystemExit):
        main(["simulate", f"output_dir={tmp_path / 'run'}", "simulation.events=1"])
    lock.release()
    assert f"in use by process {os.getpid()}" in capsys.readouterr().err
    assert not (tmp_path / "run" / "simulation.json").exists()


def test_runs_of_one_second(
    run_train: Run, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Default folders: the second run of a second gets a folder of another name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hydra.core.utils.datetime", OneSecond)
    quick = [one for one in quick if not one.startswith("output_dir=")]
    for _ in range(2):
        run_train(*quick)
    run_train("-m", *quick, "seed=1,2")
    run_train("-m", *quick, "seed=1,2")
    runs = {str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("status.json")}
    single = {f"outputs/train/{TIME}", f"outputs/train/{TIME}-2"}
    jobs = {f"outputs/multirun/{TIME}{n}/seed-{s}" for n in ("", "-2") for s in (1, 2)}
    assert runs == single | jobs


def test_a_used_folder_and_a_finished_run(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, moved = tmp_path / "run", tmp_path / "moved"
    arguments = [*light_arguments, "trainer.max_epochs=1"]
    run_train(*arguments)
    before = (run / "status.json").read_text()
    first = read_status(run)
    assert first is not None
    assert first.results is not None
    assert first.results.checkpoint == "checkpoints/best-epoch000.ckpt"
    printed = fails(run_train, capsys, *arguments)
    assert f"{run}: holds a run already (finished, started {first.started})" in printed
    assert "resume=auto" in printed
    # Finished: results are printed again, nothing changes.
    for _ in range(2):
        run_train(*arguments, "resume=auto")
        captured = capsys.readouterr()
        assert "finished before: 1 epochs" in captured.err
        assert "nothing to do" in captured.err
        assert "val/loss" in captured.out
        assert f"checkpoint {run}/checkpoints/best-epoch000.ckpt" in captured.out
        assert (run / "status.json").read_text() == before
    # Copied: goes on with the files of the new place; the old place keeps a trap.
    shutil.copytree(run, moved)
    (run / "checkpoints" / "best-epoch000.ckpt").write_text("old place")
    run_train(*arguments, f"output_dir={moved}", "trainer.max_epochs=2", "resume=auto")
    second = read_status(moved)
    assert second is not None
    assert second.results is not None
    assert (second.starts, second.started) == (2, first.started)
    assert second.seconds > first.seconds
    assert second.results.epochs == 2
    state = read_checkpoint(moved / "checkpoints" / "last.ckpt")["callbacks"]
    (best,) = [one for name, one in state.items() if "best_model_path" in one]
    assert str(tmp_path) not in str(best)
    assert (moved / "checkpoints" / best["best_model_path"]).is_file()
    (kept,) = (moved / "checkpoints").glob("best*.ckpt")  # the worse one was removed here
    assert kept.name == best["best_model_path"]
    # Another run's checkpoint does not go into a used folder.
    other = fails(run_train, capsys, *arguments, f"resume={kept}")
    assert "holds another run than resume=" in other


def test_a_run_that_failed_at_once_can_be_repeated(
    run_train: Run, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nowhere" in fails(run_train, capsys, *quick, "data.dir=nowhere")
    run_train(*quick)
    status = read_status(tmp_path / "run")
    assert status is not None
    assert (status.state, status.starts) == ("finished", 1)


def test_output_dir_of_a_sweep(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = fails(run_train, capsys, "-m", *light_arguments, "seed=1,2")
    assert f"give sweep.dir={tmp_path / 'run'} instead" in printed
    assert not (tmp_path / "run").exists()


def test_another_command_keeps_out_of_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from roilab.cli import main

    (tmp_path / "status.json").write_text("{}")
    with pytest.raises(SystemExit):
        main(["evaluate", "sample=none", f"output_dir={tmp_path}"])
    assert "is the folder of a training" in capsys.readouterr().err
    assert not (tmp_path / ".hydra").exists()


def test_home(
    run_train: Run, quick: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run_train(*quick, "output_dir=~/mine")
    assert (tmp_path / "mine" / "status.json").is_file()
    assert not (tmp_path / "~").exists()
