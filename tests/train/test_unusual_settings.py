"""Trainings with unusual but possible settings end well, with metrics or a sentence."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from known_network import fails

Run = Callable[..., None]
TEST_FILES = "data.test_files=[g4-rec-1.h5]"
# Settings, and a text that the command prints.
UNUSUAL = [
    ("data.test_files=[]", "2 epochs"),
    ("trainer.limit_val_batches=0", "val/loss was not computed"),
    ("+trainer.max_steps=1", "val/loss was not computed"),
    ("scheduler=plateau trainer.check_val_every_n_epoch=2 trainer.max_epochs=3", "3 epochs"),
    ("callbacks.best=null", "of the last state"),
    ("callbacks.best=null callbacks.early_stopping=null callbacks.last=null", "of the last state"),
    ("trainer.max_epochs=0", "no step of training was made"),
    ("trainer.limit_train_batches=0", "no step of training was made"),
    (f"{TEST_FILES} +trainer.limit_test_batches=0", "val/loss"),
    ("optimized_metric=val/dice trainer.fast_dev_run=true", "1 epochs"),
    ("logger=none data.cache=null", "2 epochs"),
    ("trainer.max_epochs=-1 +trainer.max_steps=3", "1 epochs"),
]


@pytest.mark.parametrize(("settings", "text"), UNUSUAL, ids=[case[0] for case in UNUSUAL])
def test_ends_well(
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: str,
    text: str,
) -> None:
    run_train(*light_arguments, *settings.split())
    printed = capsys.readouterr()
    assert text in printed.err + printed.out
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "finished"


def test_two_readers_on_one_core(
    run_train: Run, light_arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "This DataLoader")
        run_train(*light_arguments, "data.num_workers=2", "trainer.max_epochs=1")


def test_without_validation_the_last_state_is_delivered(
    run_train: Run, tiny_arguments: list[str], tmp_path: Path
) -> None:
    run_train(*tiny_arguments, "trainer.limit_val_batches=0", "trainer.precision=bf16-true")
    assert (tmp_path / "run" / "model.ts").is_file()
    assert (tmp_path / "run" / "report.html").is_file()


def test_pictures_of_a_network_in_bf16(
    run_train: Run, tiny_arguments: list[str], tmp_path: Path
) -> None:
    """Images for pictures come in float32, which Lightning does not convert."""
    run_train(*tiny_arguments, "trainer.precision=bf16-true", "trainer.max_epochs=1")
    assert list((tmp_path / "run" / "pictures").glob("*-best.png"))


@pytest.mark.filterwarnings("ignore:ReduceLROnPlateau conditioned on metric")
def test_plateau_of_a_training_that_ends_before_its_first_validation(
    run_train: Run, light_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_train(*light_arguments, "scheduler=plateau", "+trainer.max_steps=1")
    assert "1 epochs" in capsys.readouterr().out


CONTRADICTIONS = [
    ("optimized_metric=val/dice trainer.limit_val_batches=0", "leaves no batch to compute it on"),
    ("scheduler=plateau trainer.limit_val_batches=0", "choose scheduler=none"),
    ("optimized_metric=test/dice", "there are no test files"),
]


@pytest.mark.parametrize(("settings", "text"), CONTRADICTIONS)
def test_contradictions_are_found_before_the_training(
    run_train: Run,
    light_arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    settings: str,
    text: str,
) -> None:
    assert text in fails(run_train, capsys, *light_arguments, *settings.split())
