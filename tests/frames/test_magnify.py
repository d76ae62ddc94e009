"""Magnify ROOT files: the same frames as in HDF5, sample for sample; and files that are none."""

import builtins
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("uproot")

from known_network import fails
from magnify_files import Tag, summary_th1, th2, write_magnify
from roilab.csv_log import read_curves
from roilab.data import ImageSpec, PlaneSelection, list_images, prepare_image
from roilab.detectors import Readout
from roilab.frames import (
    FilePair,
    FrameFileError,
    FrameWriter,
    MagnifyFrames,
    RebinnedFileError,
    open_frames,
    truth_beside,
)
from roilab.inspect.__main__ import main as inspect
from tiny_frames import PER_APA, TICKS, event_frames

FIRST = PER_APA
RANGES = {"U": (0, 48), "V": (48, 96), "W": (96, 160)}
IDS = {name.lower(): (FIRST + a, FIRST + b) for name, (a, b) in RANGES.items()}
READOUT = Readout(RANGES, PER_APA, None, (0, TICKS), ("deposplat", "ductor"), TICKS)


def tiny_tags() -> dict[str, Tag]:
    """Return the tags of an event; one has no W channels and begins at tick 7, one has integers."""
    ids = np.arange(FIRST, FIRST + PER_APA)
    tags = {f"{tag}1": (samples, ids, 0) for tag, samples in event_frames(5).items()}
    gauss = tags["gauss1"][0]
    tags["gauss1"] = (gauss[:96, 7:407], ids[:96], 7)
    tags["orig1"] = (
        np.random.default_rng(0).integers(0, 4096, (PER_APA, TICKS)).astype("i4"),
        ids,
        0,
    )
    return tags


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with one event as ROOT and as HDF5; read only."""
    made = tmp_path_factory.mktemp("magnify")
    more = {"hu_gauss1": summary_th1(np.ones(48), FIRST), "other": summary_th1(np.ones(3), 0)}
    write_magnify(made / "magnify.root", tiny_tags(), IDS, event=339870, more=more)
    with FrameWriter(made / "rec.h5") as writer:
        for tag, (samples, channels, tbin) in tiny_tags().items():
            writer.add(339870, tag, samples, channels, 0.0, 500.0, tbin)
    return made


def test_equals_the_hdf5_file_sample_for_sample(folder: Path) -> None:
    with open_frames(folder / "magnify.root") as root, open_frames(folder / "rec.h5") as hdf5:
        assert root.events == hdf5.events == (339870,)
        assert root.tags(339870) == hdf5.tags(339870)
        for tag in hdf5.tags(339870):
            ours, theirs = root.info(339870, tag), hdf5.info(339870, tag)
            assert ours.channels.tolist() == theirs.channels.tolist()
            names = ("start_ns", "tick_ns", "tbin", "n_columns", "dtype", "rebin")
            assert [getattr(ours, n) for n in names] == [getattr(theirs, n) for n in names]
            for rows in (slice(None), np.array([0, 47, 48, 95]), slice(40, 60)):
                np.testing.assert_array_equal(
                    root.read_rows(339870, tag, rows, (3, 301)),
                    hdf5.read_rows(339870, tag, rows, (3, 301)),
                )
            blocks = [block.sum(dtype=np.float64) for block in root.blocks(339870, tag)]
            assert sum(blocks) == pytest.approx(theirs_sum(hdf5, tag), rel=1e-12)


def theirs_sum(frames: object, tag: str) -> float:
    return float(frames.read_rows(339870, tag, slice(None)).sum(dtype=np.float64))  # type: ignore[attr-defined]


def test_an_image_of_rec_and_truth_in_one_file(folder: Path) -> None:
    spec = ImageSpec(("loose_lf", "mp2_roi", "gauss"), READOUT.truth, READOUT.tick_range, 10)
    images = []
    for name in ("magnify.root", "rec.h5"):
        pair = FilePair(folder / name, folder / name)
        (source,) = list_images([pair], READOUT, PlaneSelection(("V",)), spec)
        images.append(prepare_image(source, spec))
    np.testing.assert_array_equal(*images)
    assert truth_beside(folder / "magnify.root") == folder / "magnify.root"


def test_channels_without_traces_are_zero_and_no_event_number_is_0(tmp_path: Path) -> None:
    samples = np.ones((3, 20), np.float32)
    tags = {"gauss0": (samples, np.array([2, 5, 6]), 0)}
    write_magnify(tmp_path / "gaps.root", tags, {"v": (0, 10)})
    with open_frames(tmp_path / "gaps.root") as frames:
        assert frames.events == (0,)
        assert frames.info(0, "gauss0").channels.tolist() == [2, 3, 4, 5, 6]
        assert frames.read_rows(0, "gauss0", slice(None)).sum(1).tolist() == [20, 0, 0, 20, 20]


def test_a_rebinned_file_gives_the_mean_and_asks_for_its_rebin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = {tag: one for tag, one in tiny_tags().items() if tag in ("loose_lf1", "deposplat1")}
    path = write_magnify(tmp_path / "rebinned.root", tags, IDS, rebin=4)
    with open_frames(path) as frames:
        info = frames.info(0, "loose_lf1")
        assert (info.rebin, info.n_columns) == (4, TICKS)
        expected = tags["loose_lf1"][0].reshape(PER_APA, -1, 4).mean(-1)
        expected = np.repeat(expected, 4, axis=1)[:, 10:101]
        samples = frames.read_rows(0, "loose_lf1", slice(None), (10, 101))
        np.testing.assert_allclose(samples, expected, rtol=1e-5)
    assert inspect([str(path)]) == 0
    assert "is the mean of 4 ticks. Train on it with data.rebin=4" in capsys.readouterr().out
    pairs = [FilePair(path, path)]
    spec = ImageSpec(("loose_lf",), READOUT.truth, READOUT.tick_range, 10)
    with pytest.raises(RebinnedFileError, match=r"expected data.rebin=10. Set data.rebin=4"):
        list_images(pairs, READOUT, PlaneSelection(("V",)), spec)
    spec = ImageSpec(("loose_lf",), READOUT.truth, (2, 482), 4)
    with pytest.raises(RebinnedFileError, match="expected a multiple of 4"):
        list_images(pairs, READOUT, PlaneSelection(("V",)), spec)


def test_ticks_that_the_rebin_does_not_divide(tmp_path: Path) -> None:
    # MagnifySink: 6127 ticks in 1531 bins of 4.002 ticks, of which each holds 4.
    samples = np.arange(2 * 6127, dtype=np.float32).reshape(2, 6127)
    tags = {"deposplat1": (samples, np.array([0, 1]), -127)}
    write_magnify(tmp_path / "odd.root", tags, {"u": (0, 2)}, rebin=4)
    with open_frames(tmp_path / "odd.root") as frames:
        info = frames.info(0, "deposplat1")
        assert (info.rebin, info.tbin, info.n_columns) == (4, -127, 6124)
        assert frames.read_rows(0, "deposplat1", slice(None), (4, 5))[0, 0] == 5.5


def test_other_clocks_by_the_reader(folder: Path) -> None:
    target = {"_target_": "roilab.frames.open_with_clock", "tick_ns": 512.0, "start_ns": -250e3}
    with open_frames(folder / "rec.h5", target) as frames:
        assert frames.info(339870, "gauss1").tick_ns == 500.0
    with open_frames(folder / "magnify.root", target) as frames:
        assert isinstance(frames, MagnifyFrames)
        info = frames.info(339870, "gauss1")
        assert (info.start_ns, info.tick_ns, info.tbin) == (-250e3, 512.0, 7)


def bad_axes(x: tuple[int, float, float], y: tuple[int, float, float]) -> dict[str, object]:
    return {"hu_gauss1": th2(np.ones((x[0], y[0]), np.float32), x, y)}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"waveform": summary_th1(np.ones(3), 0)}, r"it has waveform \(TH1F\). Name a Magnify"),
        ({"hu_gauss1": summary_th1(np.ones(3), 0)}, r"it has hu_gauss1 \(TH1F\)"),
        ({}, "it has none"),
        (bad_axes((4, 0, 8), (10, 0, 10)), "x axis has 4 bins of width 2 from 0"),
        (bad_axes((4, 0, 4), (10, 0, 10)), "x axis has 4 bins of width 1 from 0"),
        (bad_axes((4, -0.5, 3.5), (10, 0, 5)), "y axis has 10 bins of width 0.5"),
        (bad_axes((4, -0.5, 3.5), (10, 0, 45)), "y axis has 10 bins of width 4.5"),
    ],
)
def test_other_histograms(tmp_path: Path, content: dict[str, object], text: str) -> None:
    path = write_magnify(tmp_path / "f.root", {}, {}, more=content)
    with pytest.raises(FrameFileError, match=text), open_frames(path) as frames:
        frames.info(0, "gauss1")


def read_all(path: Path) -> list[np.ndarray]:
    with open_frames(path) as frames:
        event = frames.events[0]
        return [frames.read_rows(event, tag, slice(None)) for tag in frames.tags(event)]


def read_or_refuse(path: Path) -> list[np.ndarray] | str:
    try:
        return read_all(path)
    except FrameFileError as error:
        return str(error)


def damages(content: bytes) -> list[bytes]:
    """Return the file cut short, and with a byte changed, at places all over it."""
    rng = random.Random(1)
    cut = [content[: len(content) * n // 12] for n in range(12)]
    places = [*range(0, 80, 4), *(rng.randrange(len(content)) for _ in range(60))]
    return [*cut, *(content[:p] + bytes([content[p] ^ 0xFF]) + content[p + 1 :] for p in places)]


def test_damaged_files_give_a_sentence_or_the_right_samples(folder: Path, tmp_path: Path) -> None:
    good = read_all(folder / "magnify.root")
    refused = 0
    for damaged in damages((folder / "magnify.root").read_bytes()):
        path = tmp_path / "damaged.root"
        path.write_bytes(damaged)
        found = read_or_refuse(path)
        if isinstance(found, str):
            assert "damaged.root" in found
            assert "\n" not in found
            assert len(found) < 700
            refused += 1
        else:
            assert all(any(np.array_equal(one, right) for right in good) for one in found)
    assert refused > 40


def test_foreign_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "text.root").write_text("not ROOT")
    (tmp_path / "folder.root").mkdir()
    for name, text in (("text", "cannot be opened as ROOT"), ("folder", "is a folder"),
                       ("none", "no such file")):  # fmt: skip
        with pytest.raises(FrameFileError, match=text):
            open_frames(tmp_path / f"{name}.root")


def test_without_uproot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def absent(name: str, *arguments: object, **more: object) -> object:
        if name == "uproot":
            raise ImportError("No module named 'uproot'")
        return load(name, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(FrameFileError, match=r"pip install 'roilab\[root\]'"):
        open_frames(folder / "magnify.root")


def test_prediction_equals_that_on_hdf5(
    folder: Path,
    model: Path,
    user_conf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from roilab.predict.__main__ import main as predict

    def run(frames: Path) -> None:
        given = ["--config-dir", str(user_conf), f"network={model}", "detector=tiny"]
        given += [f"output_dir={tmp_path / 'out'}", f"frames={frames}"]
        given.append("physics.roi_frames.charge=null")
        monkeypatch.setattr(sys, "argv", ["roilab.predict", *given])
        predict()

    for name in ("magnify.root", "rec.h5"):
        run(folder / name)
    with (
        open_frames(tmp_path / "out" / "magnify-dnn.h5") as ours,
        open_frames(tmp_path / "out" / "dnn.h5") as theirs,
    ):
        assert ours.tags(339870) == theirs.tags(339870)
        for tag in ours.tags(339870):
            one, two = (f.read_rows(339870, tag, slice(None)) for f in (ours, theirs))
            assert one.any()
            np.testing.assert_array_equal(one, two)
    path = write_magnify(tmp_path / "four.root", tiny_tags(), IDS, rebin=4)
    err = fails(run, capsys, path)  # type: ignore[arg-type]
    assert "was rebinned to 4 ticks before it was written" in err
    assert "takes slices of 10 ticks" in err


def test_a_training_on_root_files(
    folder: Path, user_conf: Path, tmp_path: Path, run_train: Callable[..., None]
) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(2):
        shutil.copy(folder / "magnify.root", frames / f"magnify-{number}.root")
    patterns = ("data.rec=magnify-*.root", "data.tru=magnify-*.root")
    run_train(
        *("--config-dir", str(user_conf), "data=tiny", f"data.dir={frames}", *patterns),
        *("model=tiny", "trainer=cpu", "logger=csv", "trainer.max_epochs=1", "report=false"),
        *("data.val_fraction=0.5", "callbacks=none", f"output_dir={tmp_path / 'run'}"),
    )
    ((_, loss),) = read_curves(tmp_path / "run" / "csv")["train/loss"]
    assert 0 < loss < 10
