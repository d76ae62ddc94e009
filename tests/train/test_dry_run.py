"""``--dry-run``: the table, and nothing written."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from test_network_check import module
from torch import nn

from roilab.train.run import build_trainer
from roilab.train.step_costs import activation_bytes

Run = Callable[..., None]


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def row(out: str, name: str) -> str:
    """Return the text of a row of the table, whose lines are wrapped."""
    cells = [[cell.strip() for cell in line.split("│")[1:3]] for line in out.splitlines()]
    rows: list[list[str]] = []
    for cell in (cell for cell in cells if len(cell) == 2):
        if cell[0]:
            rows.append(cell)
        else:
            rows[-1][1] += f" {cell[1]}"
    return dict(rows)[name]


def test_dry_run_writes_nothing(
    run_train: Run,
    tiny_arguments: list[str],
    tmp_path: Path,
    frames_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path) | files(frames_dir)
    arguments = [a for a in tiny_arguments if not a.startswith("logger")]  # default: CSV and W&B
    arguments += ["data.planes=[U,V]", "data.batch_size=2", "trainer.threads=1"]
    run_train("--dry-run", *arguments)
    out = capsys.readouterr().out
    assert "1 thread: trainer.threads" in out
    assert files(tmp_path) | files(frames_dir) == before
    # By hand: 2 files with 3 and 2 events, one of them for validation, two planes each.
    assert row(out, "training") == "4 events, 8 images"
    assert row(out, "validation") == "1 events, 2 images"
    assert row(out, "steps") == "4 per epoch x 2 epochs = 8"
    assert row(out, "image").startswith("3 layers x 48 channels x 48 slices: loose_lf, mp2_roi")
    assert row(out, "output") == str(tmp_path / "run")
    assert row(out, "exported network").startswith("in bands of channels, float32, about 3")
    assert "measured: 1 step of 2 x 48 x 48; real image" in out
    assert "--dry-run" in sys.argv  # as given, for the next command of this process


def test_frames_that_are_not_simulated_yet(
    run_train: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(tmp_path)
    run_train("model=unet", "model.net.encoder_widths=[4,8,8,8,8]", "trainer.limit_train_batches=3",
              "model.net.decoder_widths=[8,8,4,4]", "trainer=cpu", "dry_run=true",
              "callbacks.export=null", "data.crop.per_image=3")  # fmt: skip
    out = capsys.readouterr().out
    assert files(tmp_path) == before
    assert "(absent: 16 events are simulated first; numbers expected)" in row(out, "frames")
    assert (row(out, "training"), row(out, "validation")) == (
        "14 events, 14 images",
        "2 events, 2 images",
    )
    assert row(out, "image").endswith("; trained on 3 crops of 128 x 128 of every image")
    assert row(out, "exported network") == "none"
    assert row(out, "steps") == "3 per epoch x 50 epochs = 150"


def test_mistakes_are_found(
    run_train: Run, tiny_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="-m starts many"):
        run_train("--dry-run", "-m", *tiny_arguments)
    for wrong, text in (
        ("data.dir=nowhere", "There is no nowhere in"),
        ("data.layers=[absent]", "has no tag 'absent'"),
        ("+trainer.epochs=3", "trainer._target_=lightning.Trainer takes no epochs"),
        ("logger.csv.folder=3", "takes no folder"),
    ):
        with pytest.raises(SystemExit):
            run_train("--dry-run", *tiny_arguments, wrong.replace("logger", "+logger"))
        assert text in capsys.readouterr().err


def test_memory_of_one_convolution() -> None:
    """By hand: the input of the convolution and the logits, which the loss keeps, in float32."""
    from hydra import compose, initialize_config_dir

    from roilab.entry_point import config_dir

    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", ["trainer=cpu", "callbacks=none", "logger=none", "run_dir=o",
                                   "trainer.precision=32-true"])  # fmt: skip
    precision = build_trainer(config).precision_plugin
    made = module("OneConvolution", "model.channels_last=false")
    made.loss = nn.MSELoss()
    got = activation_bytes(made, 3, (1000, 100), precision)
    normalized, logits, truth = 3, 1, 1
    assert got == (normalized + logits + truth) * 100_000 * 4
    assert torch.is_grad_enabled()
