"""The mask threshold that a training chooses, and every file and command that takes it."""

import json
import re
import shutil
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import roilab
from roilab.data import TrainingItem
from roilab.diff.__main__ import main as diff
from roilab.inference import load_network, open_network, read_checkpoint
from roilab.train.module import RoiModule
from roilab.train.working_point import write_working_point
from roilab.wirecell.torchscript import load_torchscript
from tiny_frames import event_frames

Run = Callable[..., None]
SCAN = [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98]
V = slice(48, 96)  # rows of plane V in the frames of an anode
# Settings of a training that learns its track in seconds.
LEARN = (
    *("optimizer=adamw", "optimizer.lr=0.01", "loss=dice_bce", "trainer.max_epochs=25"),
    *("data.train_files=[g4-rec-0.h5]", "data.val_files=[g4-rec-1.h5]"),
    *("callbacks.early_stopping=null", f"working_point.scan={SCAN}".replace(" ", "")),
)


@pytest.fixture(scope="module")
def trained() -> dict[str, Path]:
    return {}


@pytest.fixture
def run(
    trained: dict[str, Path],
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """Folder of a training with export and page, made once, and what it printed; read only."""
    if not trained:
        kept = [a for a in light_arguments if a not in ("callbacks.export=null", "report=false")]
        run_train(*kept, *LEARN)
        printed = capsys.readouterr()
        (tmp_path / "run" / "printed.txt").write_text(printed.out + printed.err)
        trained["run"] = tmp_path / "run"
    return trained["run"]


def probabilities(checkpoint: Path) -> list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Return probability, truth mask and truth charge of the validation events, from the frames."""
    network = load_network(checkpoint)
    found = []
    for event in (110, 111):
        frames = event_frames(1000 + event)
        layers = [frames[name][V] for name in ("loose_lf", "mp2_roi", "mp3_roi", "deposplat")]
        binned = np.stack([one.reshape(48, -1, 10).mean(-1) for one in layers]).astype(np.float32)
        with torch.no_grad():
            logits = network.net(torch.from_numpy(binned[None, :3]) / 4000)
        found.append((logits.sigmoid()[0, 0].numpy(), binned[3] > 100, binned[3]))
    return found


def counted(images: list[tuple[NDArray[Any], ...]], threshold: float) -> tuple[float, ...]:
    """Return charge efficiency, ROI purity and Dice, by loops over runs."""
    runs = pure = 0
    for probability, truth, _ in images:
        for row, true in zip(probability > threshold, truth, strict=True):
            for inside, run in groupby(zip(row, true, strict=True), lambda cell: cell[0]):
                runs += bool(inside)
                pure += bool(inside) and any(t for _, t in run)
    found = sum(q[t & (p > threshold)].sum() for p, t, q in images)
    both = sum((t & (p > threshold)).sum() for p, t, _ in images)
    either = sum(t.sum() + (p > threshold).sum() for p, t, _ in images)
    charge = sum(q[t].sum() for _, t, q in images)
    return found / charge, pure / runs if runs else np.nan, 2 * both / either


def test_the_rule_is_followed(run: Path) -> None:
    status = json.loads((run / "status.json").read_text())["results"]
    point, metrics = status["working_point"], status["metrics"]
    images = probabilities(run / status["checkpoint"])
    table = {thresh: counted(images, thresh) for thresh in SCAN}
    for row in point["scan"]:
        charge, purity, dice = table[row["mask_thresh"]]
        assert row["charge_efficiency"] == pytest.approx(charge, rel=1e-4)
        assert row["dice"] == pytest.approx(dice, rel=1e-4)
        assert (row["roi_purity"] or np.nan) == pytest.approx(purity, rel=1e-4, nan_ok=True)
        assert row["images"] == 2
    able = {t: charge for t, (charge, purity, _) in table.items() if purity >= 0.99 and t > 0.05}
    assert point["mask_thresh"] == max(able, key=lambda t: able[t])
    # Another choice than that of the epochs, or the test would show nothing.
    assert point["mask_thresh"] != 0.5
    assert (point["start"], point["note"]) == (0.5, "")
    # The metrics of the end hold at the chosen threshold.
    charge, purity, dice = table[point["mask_thresh"]]
    assert metrics["val/dice"] == pytest.approx(dice, rel=1e-4)
    assert metrics["val/roi_purity"] == pytest.approx(purity, rel=1e-4)


def test_every_file_and_command_has_it(run: Path, tracks_dir: Path) -> None:
    status = json.loads((run / "status.json").read_text())["results"]
    point, best = status["working_point"], run / status["checkpoint"]
    chosen = point["mask_thresh"]
    for checkpoint in (best, run / "checkpoints" / "last.ckpt"):
        assert read_checkpoint(checkpoint)["roilab_working_point"] == point
    told = json.loads((run / "model.json").read_text())
    assert (told["mask_thresh"], told["working_point"]["rule"]) == (chosen, point["rule"])
    assert told["working_point"]["metrics"]["dice"] == pytest.approx(status["metrics"]["val/dice"])
    assert load_torchscript(run / "model.ts")[1]["mask_thresh"] == chosen
    assert f'"mask_thresh": {chosen},' in (run / "dnnroi.jsonnet").read_text()
    card = (run / "README.md").read_text()
    assert f"probability above {chosen:g}" in card
    assert f"of validation, mask above {chosen:g}" in card
    assert card.count(f"\n| {chosen:g} | ") == 1
    page, printed = (run / "report.html").read_text(), (run / "printed.txt").read_text()
    assert f"Mask threshold {chosen:g}: {point['rule']}." in page
    assert f"{chosen:g} (chosen)" in page
    assert f"above {chosen:g} (best checkpoint, test), above 0.5 (last epoch)" in page
    assert f"mask above {chosen:g}" in printed
    assert f"mask_thresh {chosen:g}: {point['rule']}, on 2 validation images" in printed
    for network in (run, best, run / "model.ts"):
        assert open_network(str(network)).metadata["mask_thresh"] == chosen
        assert roilab.load(network, device="cpu").node.mask_thresh == chosen


def test_differences_of_two_thresholds(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, tmp_path / "other")
    status = json.loads((run / "status.json").read_text())
    chosen = status["results"]["working_point"]["mask_thresh"]
    status["results"]["working_point"]["mask_thresh"] = 0.77
    (tmp_path / "other" / "status.json").write_text(json.dumps(status))
    assert diff([str(run), str(tmp_path / "other")]) == 0
    line = next(one for one in capsys.readouterr().out.splitlines() if "mask_thresh" in one)
    assert f"{chosen:g}" in line
    assert "0.77" in line


def test_a_checkpoint_changes_in_nothing_else(run: Path, tmp_path: Path) -> None:
    best = next((run / "checkpoints").glob("best*"))
    shutil.copy(best, tmp_path / "copy.ckpt")
    before = read_checkpoint(tmp_path / "copy.ckpt")
    write_working_point(tmp_path / "copy.ckpt", load_network(best).working_point)
    after = read_checkpoint(tmp_path / "copy.ckpt")
    assert list(after) == list(before)
    torch.testing.assert_close(after["state_dict"], before["state_dict"], rtol=0, atol=0)
    assert repr(after) == repr(before)


def test_resumed_and_other_rules(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that goes on chooses again, by the rule of the new command."""
    run_train(*light_arguments, "trainer.max_epochs=1")
    run_train(
        *light_arguments,
        *("trainer.max_epochs=2", "resume=auto", "working_point.by=dice"),
        *("working_point.min_roi_purity=0", "working_point.min_pixel_purity=0"),
    )
    point = read_checkpoint(tmp_path / "run" / "checkpoints" / "last.ckpt")["roilab_working_point"]
    best = max(point["scan"], key=lambda row: row["dice"])
    assert (point["mask_thresh"], point["rule"]) == (best["mask_thresh"], "largest dice")
    capsys.readouterr()
    # A run that is finished says again what it found.
    run_train(*light_arguments, "trainer.max_epochs=2", "resume=auto")
    assert f"mask above {point['mask_thresh']:g}" in capsys.readouterr().out


def test_a_finished_run_chooses_again(
    run: Path, run_train: Run, light_arguments: list[str], tmp_path: Path
) -> None:
    """No epoch is trained; every file of the run has the new threshold."""
    other = tmp_path / "other"
    shutil.copytree(run, other)
    kept = [a for a in light_arguments if a not in ("callbacks.export=null", "report=false")]
    kept = [*kept, *LEARN, f"output_dir={other}", "resume=auto"]
    before = read_checkpoint(other / "checkpoints" / "last.ckpt")
    rows = before["roilab_working_point"]["scan"]
    run_train(*kept, "working_point.by=pixel_purity", "working_point.min_roi_purity=0")
    purest = max(
        (r for r in rows if r["pixel_purity"] is not None), key=lambda r: r["pixel_purity"]
    )
    assert purest["mask_thresh"] != before["roilab_working_point"]["mask_thresh"]
    for settings, thresh in (
        ([], purest["mask_thresh"]),  # the rule is given no more: nothing is done
        (["model.mask_thresh=0.4", "resume_override=true"], 0.4),
    ):
        run_train(*kept, *settings)
        after = read_checkpoint(other / "checkpoints" / "last.ckpt")
        assert after["roilab_working_point"]["mask_thresh"] == thresh
        assert (after["epoch"], after["global_step"]) == (before["epoch"], before["global_step"])
        torch.testing.assert_close(after["state_dict"], before["state_dict"], rtol=0, atol=0)
        assert open_network(str(other)).metadata["mask_thresh"] == thresh
        assert load_torchscript(other / "model.ts")[1]["mask_thresh"] == thresh
        results = json.loads((other / "status.json").read_text())["results"]
        assert (results["working_point"]["mask_thresh"], results["epochs"]) == (thresh, 25)


@pytest.mark.parametrize(
    ("settings", "thresh", "text"),
    [
        (["model.mask_thresh=0.3"], 0.3, "mask_thresh 0.3: fixed by model.mask_thresh"),
        (
            ["trainer.limit_val_batches=0"], 0.5,
            "not chosen: there are no validation images; it stays 0.5",
        ),
        (
            ["trainer.max_epochs=0", "working_point.scan=[1]"], 0.5,
            "not chosen: the network marks nothing at any threshold, from 1 to 1; it stays 0.5",
        ),
        (
            ["trainer.max_epochs=0", "working_point.scan=[0]"], 0.0,
            "no threshold has this purity; the highest pixel purity is",
        ),
    ],
    ids=["fixed", "no validation", "nothing", "everything"],
)  # fmt: skip
def test_no_threshold_is_chosen(
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: list[str],
    thresh: float,
    text: str,
) -> None:
    run_train(*light_arguments, "trainer.max_epochs=1", *settings)
    printed = capsys.readouterr()
    assert re.sub(r"\s+", " ", text) in re.sub(r"\s+", " ", printed.err + printed.out)
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["results"]["working_point"]["mask_thresh"] == thresh


def test_a_network_that_returns_nan_keeps_its_threshold(
    run_train: Run,
    light_arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nan(module: RoiModule, item: TrainingItem) -> NDArray[Any]:
        return np.full(item["image"].shape[1:], np.nan, np.float32)

    monkeypatch.setattr("roilab.train.working_point.predict", nan)
    run_train(*light_arguments, "trainer.max_epochs=1")
    assert "not chosen: the network returns NaN; it stays 0.5" in capsys.readouterr().err
