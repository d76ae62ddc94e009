"""``roilab prepare``, and trainings on what it stores."""

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from omegaconf import DictConfig, OmegaConf

from roilab.data import PreparedDataModule, RoiDataModule
from roilab.data.prepared_set import DESCRIPTION, read_prepared_set
from roilab.errors import RoilabError
from roilab.notebook.compose import compose
from tiny_frames import write_pair

TINY = {"u": {"channels": 48}, "v": {"channels": 48}, "w": {"channels": 64}, "nticks": 480}
Prepare = Callable[..., str]


def settings(group: str, folder: Path, **changes: Any) -> dict[str, Any]:
    """Return the settings of conf/data for the tiny detector."""
    data: DictConfig = compose(
        "train", [f"data={group}", "detector=small", f"data.dir={folder}"]
    ).data
    plain: dict[str, Any] = OmegaConf.to_container(data, resolve=True)  # type: ignore[assignment]
    changed = {"detector": TINY, "num_workers": 0, "val_fraction": 0.4, "cache": None, **changes}
    del plain["_target_"], plain["_recursive_"], plain["_convert_"]
    return {**plain, **changed}


def items(module: RoiDataModule) -> list[dict[str, Any]]:
    """Return the training items of two epochs, then those of the validation."""
    module.setup()
    loader = module.train_dataloader()
    batches: list[Any] = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        batches += loader
    return [*batches, *module.val_dataloader()]


def assert_same(first: RoiDataModule, second: RoiDataModule) -> None:
    pairs = list(zip(items(first), items(second), strict=True))
    assert pairs
    for one, other in pairs:
        assert one["name"] == other["name"]
        assert all(torch.equal(one[key], other[key]) for key in ("image", "truth_mask"))


@pytest.fixture
def run_prepare(
    user_conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Prepare:
    """Run ``python -m roilab.prepare`` in this process; return what it prints."""

    def run(folder: Path, output_dir: Path, *overrides: str) -> str:
        from roilab.prepare.__main__ import main

        given = ["data=tiny", f"data.dir={folder}", f"output_dir={output_dir}", *overrides]
        monkeypatch.setattr(sys, "argv", ["roilab.prepare", "--config-dir", str(user_conf), *given])
        capsys.readouterr()
        with suppress(SystemExit):
            main()
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run


@pytest.fixture
def prepared(run_prepare: Prepare, frames_dir: Path, tmp_path: Path) -> Path:
    """Folder of the prepared images of planes U and V of all tiny frames."""
    run_prepare(frames_dir, tmp_path / "prepared", "data.planes=[U,V]")
    return tmp_path / "prepared"


def test_says_what_the_folder_holds(run_prepare: Prepare, frames_dir: Path, tmp_path: Path) -> None:
    out = run_prepare(frames_dir, tmp_path / "p", "data.planes=[U,W]", "num_workers=2")
    size = next((tmp_path / "p").glob("*.records")).stat().st_size
    assert "5 events, 10 images, planes U (48 x 48), W (64 x 48)" in out
    assert "3 layers (loose_lf, mp2_roi, mp3_roi) and truth, rebin 10" in out
    assert f"Train on them with data=prepared data.dir={tmp_path / 'p'}" in out
    assert 0 < size < 10 * 4 * 4 * 64 * 48 / 2
    content = json.loads((tmp_path / "p" / DESCRIPTION).read_text())
    assert (content["n_events"], content["n_images"], content["planes"]) == (5, 10, ["U", "W"])
    assert content["settings"]["detector"] == TINY
    assert content["settings"]["rebin"] == 10


@pytest.mark.parametrize(
    "changes",
    [
        {"planes": ["V"]},
        {"planes": ["V", "U"], "batch_size": 2, "threshold": 50, "pad": 1, "split_seed": 7},
        {"planes": ["U"], "val_files": ["g4-rec-1.h5"]},
    ],
    ids=str,
)
def test_items_are_those_of_the_frames(
    prepared: Path, frames_dir: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    frames = RoiDataModule(**settings("base", frames_dir, **changes))
    elsewhere = prepared.rename(tmp_path / "copied")
    copied = PreparedDataModule(**settings("prepared", elsewhere, **changes))
    assert_same(frames, copied)
    assert frames.counts() == copied.counts()


def test_training_is_that_on_the_frames(
    prepared: Path, light_arguments: list[str], run_train: Callable[..., None], tmp_path: Path
) -> None:
    given = [one for one in light_arguments if not one.startswith(("data", "output_dir"))]
    given += ["trainer.max_epochs=1", "data.val_fraction=0.4"]
    frames = [one for one in light_arguments if one.startswith("data")]
    stored = ["data=prepared", f"data.dir={prepared}", "detector=tiny", "data.num_workers=0"]
    states = []
    for name, data in (("frames", [*frames, "data.cache=null"]), ("stored", stored)):
        run_train(*given, *data, f"output_dir={tmp_path / name}")
        path = tmp_path / name / "checkpoints" / "last.ckpt"
        states.append(torch.load(path, weights_only=True)["state_dict"])
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_the_same_command_goes_on_and_repairs(
    prepared: Path, run_prepare: Prepare, frames_dir: Path
) -> None:
    frames = RoiDataModule(**settings("base", frames_dir, planes=["U", "V"]))
    path = next(prepared.glob("*.records"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content[:-50])
    module = PreparedDataModule(**settings("prepared", prepared, planes=["U", "V"]))
    with pytest.raises(RoilabError, match=rf"{path.name}: holds \d+ bytes; expected at least"):
        module.setup()
    out = run_prepare(frames_dir, prepared, "data.planes=[U,V]")
    assert "5 events, 10 images" in out
    assert_same(frames, PreparedDataModule(**settings("prepared", prepared, planes=["U", "V"])))
    assert len(list(prepared.glob("*.records"))) == 1


def test_new_files_are_added(run_prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    write_pair(tmp_path / "frames", 0, [0, 1])
    run_prepare(tmp_path / "frames", tmp_path / "p")
    keys = {source.key for source in read_prepared_set(tmp_path / "p").sources}
    write_pair(tmp_path / "frames", 1, [5])
    assert "3 events, 3 images" in run_prepare(tmp_path / "frames", tmp_path / "p")
    assert keys < {source.key for source in read_prepared_set(tmp_path / "p").sources}
    (tmp_path / "frames" / "g4-rec-0.h5").unlink()
    out = run_prepare(tmp_path / "frames", tmp_path / "p")
    assert "holds 2 images of other frames, the first: g4-rec-0.h5 event 0 APA 1 V" in out


def test_bad_events_are_left_out(run_prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    write_pair(tmp_path / "frames", 0, [0, 1, 2])
    write_pair(tmp_path / "frames", 1, [5])
    (tmp_path / "frames" / "g4-rec-1.h5").write_bytes(b"no frames")
    stopped = run_prepare(tmp_path / "frames", tmp_path / "p")
    assert "g4-rec-1.h5: cannot be opened" in stopped
    out = run_prepare(tmp_path / "frames", tmp_path / "p", "data.on_error=skip")
    assert "3 events, 3 images" in out
    assert "Left out: g4-rec-1.h5." in out
    module = PreparedDataModule(**settings("prepared", tmp_path / "p"))
    module.setup()
    assert list(module.left_out) == ["g4-rec-1.h5"]


def test_other_settings_are_named(prepared: Path, run_prepare: Prepare, frames_dir: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"rebin": 5}, r"prepared with data\.rebin=10, but the configuration has data\.rebin=5"),
        ({"layers": ["loose_lf", "gauss"]}, r"data\.layers=\[loose_lf,mp2_roi,mp3_roi\], but"),
        ({"truth": ["ductor"]}, r"has data\.truth=\[ductor\]\. Give the values"),
        ({"planes": ["W"]}, r"no images of data\.planes=W, but of U, V"),
        ({"apas": [3]}, r"no images of data\.apas=3, but of 1"),
        ({"val_files": ["g4-rec-7.h5"]}, r"data\.val_files: 'g4-rec-7\.h5' is none of"),
        (
            {"detector": {**TINY, "nticks": 500, "name": "other"}},
            r"detector without a name \(48\+48\+64 channels, 480 ticks\), .*but the configuration "
            r"has detector other \(48\+48\+64 channels, 500 ticks\)",
        ),
    ]
    for changes, text in cases:
        with pytest.raises(RoilabError, match=text):
            PreparedDataModule(**settings("prepared", prepared, **changes)).setup()
    assert "prepared with data.rebin=10, but" in run_prepare(frames_dir, prepared, "data.rebin=5")


def spoil_version(folder: Path) -> None:
    path = next(folder.glob("*.index"))
    path.write_bytes(path.read_bytes().replace(b"shard 0", b"shard 9", 1))


def spoil_event(folder: Path) -> None:
    path = folder / DESCRIPTION
    path.write_text(path.read_text().replace("[0, 100,", "[0, 109,", 1))


def spoil_pixel(folder: Path) -> None:
    path = next(folder.glob("*.records"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(content)


def write_format(folder: Path) -> None:
    path = folder / DESCRIPTION
    path.write_text(path.read_text().replace('"format": 1', '"format": 7'))


def forget_images(folder: Path) -> None:
    path = next(folder.glob("*.index"))
    path.write_bytes(path.read_bytes()[: -48 * 3])


def forget_description(folder: Path) -> None:
    (folder / DESCRIPTION).unlink()


SPOILED: list[tuple[Callable[[Path], None], str]] = [
    (spoil_version, r"index: begins with b'roilab shard 91.*Copy the folder again"),
    (spoil_event, r"prepared\.json: is damaged \(its checksum does not fit\)"),
    (write_format, r"prepared\.json: has format 7, but this version of roilab reads 1"),
    (spoil_pixel, r"records: damaged at byte \d+ .*; it holds g4-rec-\d\.h5 event \d+ APA 1"),
    (forget_images, r"3 of 10 images are absent, the first: g4-rec-1\.h5 event 11"),
    (
        lambda folder: (folder / DESCRIPTION).unlink(),
        r"prepared\.json: is absent; expected a folder",
    ),
]


@pytest.mark.parametrize(("spoil", "text"), SPOILED)
def test_spoiled_folders(prepared: Path, spoil: Callable[[Path], None], text: str) -> None:
    spoil(prepared)
    with pytest.raises(RoilabError, match=text):
        items(PreparedDataModule(**settings("prepared", prepared, planes=["U", "V"])))


def test_refusals(run_prepare: Prepare, frames_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    assert "holds other files ('notes.txt', ...)" in run_prepare(frames_dir, tmp_path / "mine")
    out = run_prepare(frames_dir, tmp_path / "p", "data=prepared", "detector=tiny")
    assert "data=prepared: these data are prepared already" in out
    assert not (tmp_path / "p").exists()


def test_an_incomplete_folder(run_prepare: Prepare, frames_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(frames_dir, tmp_path / "frames")
    with h5py.File(tmp_path / "frames" / "g4-rec-1.h5", "a") as file:
        file["111"]["frame_loose_lf1"][50, 3] = np.nan
    assert "NaN or infinite" in run_prepare(tmp_path / "frames", tmp_path / "p")
    with pytest.raises(RoilabError, match="is not complete; run the same roilab prepare again"):
        PreparedDataModule(**settings("prepared", tmp_path / "p")).setup()
