"""The public API, on frames and a network whose numbers are known."""

import gc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import roilab
from roilab.detectors import Readout
from roilab.errors import RoilabError
from roilab.frames import Hdf5Frames
from roilab.inference import PlaneReader, RoiFrames
from roilab.inspect.__main__ import main as inspect
from tiny_frames import PER_APA, START_NS, TICK_NS, TICKS

DETECTOR = {"u": {"channels": 48}, "v": {"channels": 48}, "w": {"channels": 64}, "nticks": TICKS}
READOUT = Readout.from_config({"detector": DETECTOR})


def test_from_a_file_to_charge_metrics(tracks_dir: Path, model: Path) -> None:
    rec, tru = tracks_dir / "g4-rec-0.h5", tracks_dir / "g4-tru-0.h5"
    frames = roilab.open(rec, DETECTOR, tru)
    assert "planes: U V W" in repr(frames)
    plane = frames.plane("V", event=2, apa=1)
    assert plane.tags["loose_lf"].shape == (48, TICKS)
    rois = roilab.load(model, device="cpu")(plane)
    # One slice of 10 ticks in every of the 4 channels; the first channel has no charge.
    assert rois.mask.sum() == 40
    assert rois.charge is not None
    # 1, 3, 5, 3 and 1 ke minus the line through both ends is 0, 2, 4, 2 and 0.
    assert rois.charge.sum() == 3 * 8000
    assert plane.truth is not None
    metrics = roilab.charge_metrics(rois.charge, plane.truth)
    assert metrics["bias"] == pytest.approx(100 * (8 / 13 - 1))
    assert metrics["inefficiency"] == 25
    assert metrics["inefficiency_low"] < 25 < metrics["inefficiency_high"]


def test_mask_threshold_of_the_user(tracks_dir: Path, model: Path) -> None:
    with roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR, truth=False) as frames:
        plane = frames.plane("V")
    assert plane.truth is None
    assert not roilab.load(model, mask_thresh=0.7)(plane).mask.any()


def test_files_close_themselves(tracks_dir: Path) -> None:
    frames = roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR, tracks_dir / "g4-tru-0.h5")
    files = (frames.rec, frames.tru)
    hdf5 = [file._file for file in files if isinstance(file, Hdf5Frames)]
    assert len(hdf5) == 2
    assert all(hdf5)
    del frames, files
    gc.collect()
    assert not any(hdf5)
    frames = roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR)
    frames.close()
    frames.close()
    with pytest.raises(RoilabError, match=r"g4-rec-0\.h5: the file is closed; open it again"):
        frames.plane("V")


@pytest.mark.parametrize("name", ["g4-dnn-0.h5", "g4-dnn-0.npz", "g4-dnn-0.tar.gz"])
@pytest.mark.parametrize("sparse", [None, True])
def test_saved_rois_are_read_again(
    tracks_dir: Path, model: Path, tmp_path: Path, name: str, sparse: bool | None
) -> None:
    roi = roilab.load(model)(roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR).plane("V", event=2))
    roi.save(tmp_path / name, sparse=sparse)
    assert inspect([str(tmp_path / name)]) == 0
    again = roilab.open(tmp_path / name, DETECTOR)
    assert again.events == (2,)
    plane = again.plane("V", event=2, apa=1)
    assert roi.charge is not None
    assert roi.charge.any()
    np.testing.assert_array_equal(plane.tags["dnnsp"], roi.charge)
    np.testing.assert_array_equal(plane.tags["dnnsp_mask"], roi.mask)
    # The network gives 0.6 in one slice of channels 60 to 63 of the anode, and 0.1 elsewhere.
    expected = np.full((48, TICKS), 0.1, np.float32)
    expected[12:16, 200:210] = 0.6
    if sparse:
        expected[[*range(12), *range(16, 48)]] = 0  # no row: no pixel above the mask threshold
    np.testing.assert_array_equal(plane.tags["dnnsp_probability"], expected)
    np.testing.assert_array_equal(expected[:, ::10][12:16], roi.probability[12:16])
    rows = {tag: again.rec.info(2, f"{tag}1").channels.tolist() for tag in plane.tags}
    # Of the four channels with a ROI one is dead: it has no charge.
    full = list(range(PER_APA + 48, PER_APA + 96))
    assert rows["dnnsp"] == (full[13:16] if sparse else full)
    assert rows["dnnsp_mask"] == rows["dnnsp_probability"] == (full[12:16] if sparse else full)
    assert (plane.axis.start_ns, plane.axis.tick_ns) == (START_NS, TICK_NS)


def test_rois_without_deconvolved_charge(frames_dir: Path, model: Path, tmp_path: Path) -> None:
    roi = roilab.load(model)(roilab.open(frames_dir / "g4-rec-0.h5", DETECTOR).plane("V"))
    assert roi.charge is None
    roi.save(tmp_path / "out.h5")
    saved = roilab.open(tmp_path / "out.h5", DETECTOR).plane("V")
    assert set(saved.tags) == {"dnnsp_mask", "dnnsp_probability"}
    np.testing.assert_array_equal(saved.tags["dnnsp_mask"], roi.mask)
    assert roi.mask.any()
    with pytest.raises(RoilabError, match=r"out\.xyz: a frame file ends in"):
        roi.save(tmp_path / "out.xyz")
    assert [path.name for path in tmp_path.glob("out*")] == ["out.h5"]


def test_saved_rois_of_a_part_of_the_ticks(tracks_dir: Path, model: Path, tmp_path: Path) -> None:
    network = roilab.load(model)
    with PlaneReader(
        tracks_dir / "g4-rec-0.h5", None, replace(READOUT, tick_range=(105, 448))
    ) as r:
        roi = network(r.read(2, "1", "V"))
    roi.save(tmp_path / "part.h5")
    assert roi.probability.shape == (48, 38)  # 375 ticks are 37 slices and a half
    plane = roilab.open(tmp_path / "part.h5", DETECTOR).plane("V")
    assert plane.ticks == (0, TICKS)
    assert not plane.tags["dnnsp_probability"][:, :105].any()
    np.testing.assert_array_equal(plane.tags["dnnsp"][:, 105:], roi.charge)
    np.testing.assert_array_equal(plane.tags["dnnsp_probability"][:, 105::10], roi.probability)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"mask": "dnnsp"}, "expected different tags"),
        ({"mask": "roi2"}, "do not end in a digit"),
        ({"charge": None, "mask": None, "probability": None}, "at least one that is not null"),
    ],
)
def test_tags_that_cannot_be_read_again(tags: dict[str, str | None], words: str) -> None:
    given = {"charge": "dnnsp", "mask": "m", "probability": "p", **tags}
    with pytest.raises(RoilabError, match=words):
        RoiFrames(**given, sparse=False)


def test_mistakes(tracks_dir: Path) -> None:
    with pytest.raises(RoilabError, match="expected one of dunehd, icarus, pdhd, pdsp"):
        roilab.open(tracks_dir / "g4-rec-0.h5", "none")
    with roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR) as frames:
        with pytest.raises(RoilabError, match=r"no event 9; it has .0, 1, 2"):
            frames.plane("V", event=9)
        with pytest.raises(RoilabError, match="the detector has U, V, W"):
            frames.plane("X")
    with pytest.raises(RoilabError, match="expected the same shape"):
        roilab.charge_metrics(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32))
