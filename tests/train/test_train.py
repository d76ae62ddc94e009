"""The training command in this process: train, resume, export, mistakes of a user."""

import json
import math
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from known_network import fails
from roilab.csv_log import read_curves
from roilab.inference import CheckpointError, TrainedNetwork, load_network, read_checkpoint
from roilab.report.run_page import write_run_page
from roilab.wirecell.torchscript import load_torchscript
from tiny_frames import write_pair

Run = Callable[..., None]


def test_train_writes_all_files(
    run_train: Run,
    tiny_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_train(*tiny_arguments, "callbacks.event_pictures.every_n_epochs=1")
    run = tmp_path / "run"
    curves = read_curves(run / "csv")
    assert [epoch for epoch, _ in curves["train/loss"]] == [0, 1]
    assert [epoch for epoch, _ in curves["val/dice"]] == [0, 1]
    assert set(curves) >= {f"val/{kind}_{what}" for kind in ("pixel", "roi") for what in
                           ("efficiency", "purity")} | {"val/loss"}  # fmt: skip
    pictures = {path.name for path in (run / "pictures").iterdir()}
    assert "loss.png" in pictures
    assert sum(name.endswith("-best.png") for name in pictures) == 1
    assert sum(name.endswith("-epoch001.png") for name in pictures) == 1
    out = capsys.readouterr().out
    for text in ("val/dice", "peak memory", "checkpoint", "model.ts", "pictures", "verdict    "):
        assert text in out
    assert "Epoch" not in out  # no progress bar is configured

    # The exported file computes the same as the best checkpoint, at a new image size.
    (best,) = (run / "checkpoints").glob("best*.ckpt")
    network = load_network(best)
    exported, metadata = load_torchscript(run / "model.ts")
    image = torch.randn(1, 3, 37, 101)
    assert_same_probability(exported, network, image)
    # The comparison with the network was made after the metadata was stored in the file.
    written = json.loads((run / "model.json").read_text())
    assert max(written["export"]["parity"].values()) < written["export"]["parity_limit"]
    written["export"] = {key: written["export"][key] for key in metadata["export"]}
    assert metadata == written
    expected = {"layers": ["loose_lf", "mp2_roi", "mp3_roi"], "rebin": 10, "input_scale": 1 / 4000}
    assert expected.items() <= metadata.items()
    # test_working_point.py checks the threshold.
    assert (metadata["truth_threshold"], metadata["mask_thresh"]) == (
        100, network.working_point.mask_thresh,
    )  # fmt: skip
    assert set(metadata["versions"]) == {"roilab", "torch", "lightning", "timm"}
    assert "git_commit" in metadata


def test_resume_continues_where_the_run_stopped(
    run_train: Run, light_arguments: list[str], tmp_path: Path
) -> None:
    straight = [*light_arguments, f"output_dir={tmp_path / 'straight'}", "trainer.max_epochs=3"]
    run_train(*straight)
    run_train(*light_arguments, "trainer.max_epochs=1")
    run_train(*light_arguments, "trainer.max_epochs=3", "resume=auto")
    resumed = read_curves(tmp_path / "run" / "csv")
    assert [epoch for epoch, _ in resumed["train/loss"]] == [0, 1, 2]
    last = [
        read_checkpoint(max((tmp_path / name / "checkpoints").glob("last*"), key=_age))
        for name in ("run", "straight")
    ]
    assert last[0]["epoch"] == last[1]["epoch"]
    assert last[0]["global_step"] == last[1]["global_step"]
    # test_resume.py compares the weights.
    assert set(last[0]["state_dict"]) == set(last[1]["state_dict"])
    named = next((tmp_path / "run" / "checkpoints").glob("best*.ckpt"))
    run_train(*light_arguments, "trainer.max_epochs=4", f"resume={named}")


def assert_same_probability(
    exported: torch.nn.Module, network: TrainedNetwork, image: torch.Tensor
) -> None:
    with torch.no_grad():
        expected = network.net(network.normalization(image)).sigmoid()
        torch.testing.assert_close(exported(image), expected, atol=1e-5, rtol=0)


def _age(path: Path) -> float:
    return path.stat().st_mtime


def test_resume_auto_without_a_checkpoint_starts_a_run(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_train(*light_arguments, "resume=auto", "trainer.max_epochs=1", "data.threshold=1e9")
    err = capsys.readouterr().err
    assert "no checkpoint in" in err
    assert "4 of 4 training images have an empty truth mask" in err
    run = tmp_path / "run"
    # Names that need no quotes on the command line.
    names = [path.name for path in (run / "checkpoints").iterdir()]
    assert sorted(names) == ["best-epoch000.ckpt", "last.ckpt"]
    assert not (run / "physics").exists()  # without a sample


@pytest.fixture
def export_arguments(light_arguments: list[str]) -> list[str]:
    """The light training with the export."""
    return [one for one in light_arguments if one != "callbacks.export=null"]


def test_layer_normalization_is_measured_and_exported(
    run_train: Run, export_arguments: list[str], tmp_path: Path
) -> None:
    run_train(*export_arguments, "data.normalization=layer", "trainer.max_epochs=1")
    exported, metadata = load_torchscript(tmp_path / "run" / "model.ts")
    assert metadata["input_scale"] == 1
    network = load_network(next((tmp_path / "run" / "checkpoints").glob("best*")))
    assert (network.normalization.width.flatten() > 10).all()
    charge = 1000 * torch.randn(1, 3, 48, 48)
    assert_same_probability(exported, network, charge)


@pytest.mark.parametrize("loss", ["weighted_bce", "dice_bce", "focal"])
def test_losses_train(
    run_train: Run, light_arguments: list[str], tmp_path: Path, loss: str
) -> None:
    given = [f"loss={loss}", "optimizer=adamw", "scheduler=cosine", "trainer.max_epochs=1"]
    run_train(*light_arguments, *given)
    train = read_curves(tmp_path / "run" / "csv")["train/loss"]
    assert all(math.isfinite(value) for _, value in train)


def test_training_learns(run_train: Run, light_arguments: list[str], tmp_path: Path) -> None:
    run_train(
        *light_arguments,
        *("optimizer=adamw", "optimizer.lr=0.01", "loss=dice_bce", "trainer.max_epochs=25"),
        *("data.val_files=[g4-rec-1.h5]", "data.train_files=[g4-rec-0.h5]"),
        "callbacks.early_stopping=null",
    )
    curves = read_curves(tmp_path / "run" / "csv")
    assert curves["val/dice"][-1][1] > 0.8
    assert curves["train/loss"][-1][1] < 0.5 * curves["train/loss"][0][1]


def test_test_files_and_optimized_metric(
    run_train: Run, light_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*light_arguments, "data.test_files=[g4-rec-1.h5]", "trainer.max_epochs=1"]
    run_train(*arguments, "optimized_metric=val/dice")
    assert "test/roi_purity" in capsys.readouterr().out


def test_tensorboard(run_train: Run, light_arguments: list[str], tmp_path: Path) -> None:
    run_train(*light_arguments, "logger=tensorboard", "trainer.max_epochs=1")
    assert (tmp_path / "run" / "tensorboard").exists()


BAD = [
    ("data.dir=nowhere", "data.dir=nowhere: expected a folder that exists"),
    ("data.rec=x-*.h5", "no file matches 'x-*.h5'"),
    ("data.tru=x-*.h5", "its truth file"),
    ("data.layers=[loose_lf,none]", "event 100 has no tag 'none1'; it has gauss1, loose_lf1"),
    ("data.rebin=481", "data.rebin=481 is not from 1 to 480, the number of ticks"),
    ("data.channel_range=[0,500]", "is channels 160 to 659"),
    ("data.batch_size=2 data.planes=[V,W]", "cannot share a batch"),
    ("data.pad_unit=x", "data.pad_unit=x: expected one of bins, ticks."),
    ("resume=nowhere.ckpt", "nowhere.ckpt: there is no such checkpoint"),
    ("optimized_metric=val/none", "optimized_metric=val/none: expected one of val/loss"),
    ("nonsense=1", "roilab train has no key nonsense"),
    ("data.nonsense=1", "roilab train has no key data.nonsense"),
]


@pytest.mark.parametrize(("overrides", "text"), BAD, ids=[overrides for overrides, _ in BAD])
def test_mistakes_give_one_message(
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: str,
    text: str,
) -> None:
    arguments = [*light_arguments, "trainer.max_epochs=1", *overrides.split()]
    assert text in fails(run_train, capsys, *arguments)
    assert not list(tmp_path.glob("run/*.ts"))


def test_nan_loss_stops(
    run_train: Run, light_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    err = fails(run_train, capsys, *light_arguments, "optimizer.lr=1e30", "trainer.max_epochs=9")
    assert "the training loss is" in err
    assert "optimizer.lr" in err


def test_bad_charge_in_a_worker_process(
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_pair(tmp_path / "frames", 0, [1, 2])
    with h5py.File(tmp_path / "frames" / "g4-rec-0.h5", "a") as file:
        file["2/frame_loose_lf1"][60, 7] = np.inf
    arguments = [*light_arguments, f"data.dir={tmp_path / 'frames'}", "data.num_workers=1"]
    err = fails(run_train, capsys, *arguments)
    told = f"{tmp_path}/frames/g4-rec-0.h5: event 2, tag 'loose_lf1': 1 of 23040 samples are NaN"
    assert any(line.startswith(told) for line in err.splitlines())
    assert not multiprocessing.active_children()


def test_foreign_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    torch.save({"code": Path}, tmp_path / "pickle.ckpt")
    for name, text in (("text", "cannot be read"), ("other", "no roilab recipe"),
                       ("pickle", "cannot be read")):  # fmt: skip
        with pytest.raises(CheckpointError, match=text):
            read_checkpoint(tmp_path / f"{name}.ckpt")


def test_events_that_are_left_out_are_listed(
    light_arguments: list[str],
    tmp_path: Path,
    run_train: Run,
    capsys: pytest.CaptureFixture[str],
) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    write_pair(frames, 0, [0, 1, 2])
    with h5py.File(frames / "g4-rec-0.h5", "a") as file:
        file["1"]["frame_loose_lf1"][60, 3] = np.nan
    run_train(*light_arguments, f"data.dir={frames}", "data.on_error=skip", "trainer.max_epochs=1")
    line = next(line for line in capsys.readouterr().out.splitlines() if "left out   " in line)
    assert "g4-rec-0.h5 event 1: " in line
    assert "NaN or infinite" in line
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert list(status["results"]["left_out"]) == ["g4-rec-0.h5 event 1"]
    page = write_run_page(tmp_path / "run").read_text()
    assert "left out because of errors: g4-rec-0.h5 event 1" in page
