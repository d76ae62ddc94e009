"""The public API, on frames and a network whose numbers are known."""

from pathlib import Path

import numpy as np
import pytest

import roilab
from roilab.errors import RoilabError
from tiny_frames import TICKS

DETECTOR = {"u": {"channels": 48}, "v": {"channels": 48}, "w": {"channels": 64}, "nticks": TICKS}


def test_from_a_file_to_charge_metrics(tracks_dir: Path, model: Path) -> None:
    rec, tru = tracks_dir / "g4-rec-0.h5", tracks_dir / "g4-tru-0.h5"
    with roilab.open(rec, DETECTOR, tru) as frames:
        assert "planes U V W" in repr(frames)
        plane = frames.read_plane("V", event=2, apa=1)
    assert plane.tags["loose_lf"].shape == (48, TICKS)
    rois = roilab.find_rois(roilab.load(model, device="cpu"), plane)
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
    with roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR) as frames:
        plane = frames.read_plane("V")
    assert plane.truth is None
    assert not roilab.find_rois(roilab.load(model, mask_thresh=0.7), plane).mask.any()


def test_mistakes(tracks_dir: Path) -> None:
    with pytest.raises(RoilabError, match="expected one of pdhd, small, or a mapping"):
        roilab.open(tracks_dir / "g4-rec-0.h5", "none")
    with roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR) as frames:
        with pytest.raises(RoilabError, match=r"no event 9; it has .0, 1, 2"):
            frames.read_plane("V", event=9)
        with pytest.raises(RoilabError, match="the detector has U, V, W"):
            frames.read_plane("X")
    with pytest.raises(RoilabError, match="expected the same shape"):
        roilab.charge_metrics(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32))
