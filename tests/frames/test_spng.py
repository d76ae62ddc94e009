"""SPNG's training data: frames of slices, with the rebin that they were written with."""

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roilab.csv_log import read_curves
from roilab.data import ImageSpec, PlaneSelection, list_images, prepare_image
from roilab.detectors import Readout
from roilab.frames import (
    FilePair,
    FrameFileError,
    RebinnedFileError,
    SpngFrames,
    match_files,
    open_frames,
)
from roilab.inspect.__main__ import main as inspect
from tiny_frames import PER_APA, TICKS, event_frames

RANGES = {"U": (0, 48), "V": (48, 96), "W": (96, 160)}
READOUT = Readout(RANGES, PER_APA, None, (0, TICKS), ("deposplat",), TICKS)
LAYERS = ("loose_lf", "mp2_roi", "mp3_roi")


def slices(seed: int, rebin: int) -> dict[str, np.ndarray]:
    """Return the frames of an event as SPNG stores them: means over slices, divided by 4000."""
    frames = {
        tag: samples.reshape(PER_APA, -1, rebin).mean(-1) / np.float32(4000)
        for tag, samples in event_frames(seed).items()
    }
    return frames | {tag: (frames[tag] > 0).astype(np.float32) for tag in LAYERS[1:]}


def write(path: Path, tensors: dict[tuple[int, int], np.ndarray], **metadata: object) -> Path:
    """Write tensors by set and number, each with metadata."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for event in {event for event, _ in tensors}:
            archive.writestr(f"tensorset_{event}_metadata.json", "{}")
        for (event, number), tensor in tensors.items():
            name = f"tensor_{event}_{number}"
            archive.writestr(f"{name}_metadata.json", json.dumps({"tag": "fodder", **metadata}))
            with archive.open(f"{name}_array.npy", "w") as stream:
                np.lib.format.write_array(stream, tensor, allow_pickle=False)
    return path


def write_pair(
    folder: Path, events: int, rebin: int = 4, metadata: dict[str, int] | None = None
) -> FilePair:
    """Write fodder of U and V and truth of all planes."""
    fodder, truth = {}, {}
    for event in range(events):
        frames = slices(event, rebin)
        layers = np.stack([frames[layer] for layer in LAYERS])
        for number, (low, high) in enumerate(RANGES.values()):
            truth[event, number] = frames["deposplat"][low:high]
            if number < 2:
                fodder[event, number] = layers[:, low:high]
    rec = write(folder / "dnnroi-training-fodder.npz", fodder, **metadata or {})
    return FilePair(rec, write(folder / "dnnroi-training-truth.npz", truth, **metadata or {}))


def test_charge_coincidence_channels_and_ticks(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, 2)
    with open_frames(pair.rec) as fodder, open_frames(pair.tru) as truth:
        assert isinstance(fodder, SpngFrames)
        assert fodder.events == truth.events == (0, 1)
        assert (fodder.tags(1), truth.tags(1)) == (LAYERS, ("deposplat",))
        info = fodder.info(1, "loose_lf")
        assert info.channels.tolist() == list(range(96))
        assert (info.rebin, info.n_columns, info.tick_ns) == (4, TICKS, 500.0)
        assert truth.info(1, "deposplat").channels.tolist() == list(range(160))
        stored = slices(1, 4)
        samples = fodder.read_rows(1, "loose_lf", slice(48, 96), (6, 21))
        expected = np.repeat(4000 * stored["loose_lf"], 4, axis=1)[48:96, 6:21]
        np.testing.assert_array_equal(samples, expected)
        assert np.unique(fodder.read_rows(1, "mp2_roi", slice(None))).tolist() == [0, 4000]


def test_training_images_are_the_stored_slices(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, 1)
    spec = ImageSpec(LAYERS, READOUT.truth, READOUT.tick_range, 4)
    (source,) = list_images([pair], READOUT, PlaneSelection(("V",)), spec)
    image, stored = prepare_image(source, spec), slices(0, 4)
    for layer, tag in zip(image, (*LAYERS, "deposplat"), strict=True):
        np.testing.assert_allclose(layer, 4000 * stored[tag][48:96], rtol=2**-15)


@pytest.mark.parametrize(("stored", "rebin"), [({"rebin": 10}, 10), ({}, 4)])
def test_another_rebin_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stored: dict[str, int], rebin: int
) -> None:
    pair = write_pair(tmp_path, 1, rebin, stored)
    spec = ImageSpec(LAYERS, READOUT.truth, READOUT.tick_range, 5)
    text = rf"rebinned to {rebin} ticks .* expected data\.rebin=5\. Set data\.rebin={rebin}"
    with pytest.raises(RebinnedFileError, match=text):
        list_images([pair], READOUT, PlaneSelection(("V",)), spec)
    assert inspect([str(pair.rec)]) == 0
    assert f"is the mean of {rebin} ticks" in capsys.readouterr().out


def test_tensors_of_single_layers(tmp_path: Path) -> None:
    # A tensor for every view and feature, which the metadata or the order name; mp2 is boolean.
    frames = slices(3, 4)
    six = {
        (0, 3 * plane + n): frames[layer][low:high].astype(bool if n else np.float32)
        for plane, (low, high) in enumerate(list(RANGES.values())[:2])
        for n, layer in enumerate(LAYERS)
    }
    with open_frames(write(tmp_path / "dnnroi-training-fodder.npz", six)) as ordered:
        expected = {tag: ordered.read_rows(0, tag, slice(None)) for tag in LAYERS}
    np.testing.assert_array_equal(
        expected["loose_lf"], np.repeat(4000 * frames["loose_lf"][:96], 4, axis=1)
    )
    path = write(tmp_path / "named.npz", {})
    with zipfile.ZipFile(path, "a") as archive:
        for number, (_, tensor) in enumerate(reversed(six.items())):
            view, feature = divmod(5 - number, 3)
            name = ("dense", "mp2", "mp3")[feature]
            datapath = f"/frames/0/tags/fodder/view/{view}/feature/{name}/traces"
            archive.writestr(f"tensor_0_{number}_metadata.json", json.dumps({"datapath": datapath}))
            with archive.open(f"tensor_0_{number}_array.npy", "w") as stream:
                np.lib.format.write_array(stream, tensor)
    with open_frames(path) as named:
        for tag in LAYERS:
            np.testing.assert_array_equal(named.read_rows(0, tag, slice(None)), expected[tag])


def test_truth_with_two_parts_of_w(tmp_path: Path) -> None:
    frames = slices(1, 4)["deposplat"]
    edges = (0, 48, 96, 128, 160)
    parts = {(0, n): frames[edges[n] : edges[n + 1]] for n in range(4)}
    with open_frames(write(tmp_path / "truth.npz", parts)) as truth:
        assert truth.info(0, "deposplat").channels.tolist() == list(range(160))
        samples = truth.read_rows(0, "deposplat", slice(None))[:, ::4]
        np.testing.assert_array_equal(samples, 4000 * frames)


def test_a_plane_alone_needs_the_numbers_of_channels(tmp_path: Path) -> None:
    frames = slices(1, 4)
    tensor = np.stack([frames[layer][48:96] for layer in LAYERS])
    path = write(tmp_path / "fodder.npz", {(0, 1): tensor})
    with open_frames(path) as frames_, pytest.raises(FrameFileError, match="holds plane V, but no"):
        frames_.info(0, "loose_lf")
    reader = {"_target_": "roilab.frames.SpngFrames", "channels": [48, 48, 64], "rebin": 4}
    with open_frames(path, reader) as frames_:
        assert frames_.info(0, "loose_lf").channels.tolist() == list(range(48, 96))


def read_or_refuse(path: Path) -> np.ndarray | str:
    """Return the dense layer, or the text of the error."""
    try:
        with open_frames(path) as frames:
            return frames.read_rows(0, "loose_lf", slice(None))
    except FrameFileError as error:
        return str(error)


def test_damaged_tensors(tmp_path: Path) -> None:
    path = write(tmp_path / "fodder.npz", {(0, 0): np.zeros((2, 5, 7), np.float32)})
    assert "is of shape (2, 5, 7)" in str(read_or_refuse(path))
    content = write_pair(tmp_path, 1).rec.read_bytes()
    for place in range(60, len(content) - 100, len(content) // 40):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        found = read_or_refuse(path)
        if isinstance(found, str):
            assert "fodder.npz" in found
            assert "\n" not in found
        else:
            np.testing.assert_array_equal(found[:, ::4], 4000 * slices(0, 4)["loose_lf"][:96])
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FrameFileError, match="cannot be opened as a numpy archive"):
        open_frames(path)


def test_a_training_with_the_rebin_of_the_file(
    tmp_path: Path, user_conf: Path, run_train: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pair(tmp_path, 2)
    patterns = ("data.rec=*-fodder.npz", "data.tru=*-truth.npz")
    assert match_files(tmp_path, "*-fodder.npz", "*-truth.npz")
    monkeypatch.setattr(sys, "argv", [])
    run_train(
        *("--config-dir", str(user_conf), "data=tiny", f"data.dir={tmp_path}", *patterns),
        *("data.rebin=4", "model=tiny", "trainer=cpu", "logger=csv", "trainer.max_epochs=1"),
        *("data.val_fraction=0.5", "callbacks=none", "report=false"),
        f"output_dir={tmp_path / 'run'}",
    )
    ((_, loss),) = read_curves(tmp_path / "run" / "csv")["train/loss"]
    assert 0 < loss < 10
