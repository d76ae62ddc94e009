"""Steps that are not asked for are left out, and change nothing of the rest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roilab.frames import FrameWriter, open_frames
from roilab.simulate.chain import Simulation
from roilab.simulate.request import RECONSTRUCTION_TAGS, Request
from roilab.simulate.write_frames import EventWriter


@pytest.fixture(scope="module")
def complete(noisy: Simulation) -> Any:
    return noisy.simulate(noisy.generate(0, 1), 0, 1)


@pytest.mark.parametrize(
    ("planes", "tags"),
    [
        ((1,), ("loose_lf", "decon_charge")),
        ((1,), ("gauss",)),
        ((2,), ("wiener", "raw")),
        ((0, 1), ("mp2_roi", "loose_lf")),
        ((1,), ("loose_lf", "mp2_roi", "mp3_roi", "gauss", "decon_charge")),
    ],
)
def test_part_of_the_frames_is_the_same(
    noisy: Simulation, complete: Any, planes: tuple[int, ...], tags: tuple[str, ...]
) -> None:
    frames, truth = noisy.simulate(noisy.generate(0, 1), 0, 1, Request(planes, tags))
    assert tuple(frames) == tuple(truth) == planes
    for plane in planes:
        extra = ("wiener_summary",) * ("wiener" in tags)
        assert tuple(frames[plane]) == (*tags, *extra)
        for tag in (*tags, *extra):
            np.testing.assert_array_equal(frames[plane][tag], complete[0][plane][tag])
        np.testing.assert_array_equal(truth[plane], complete[1][plane])


def test_complete_request_has_every_tag(complete: Any) -> None:
    for frames in complete[0].values():
        assert tuple(frames) == (*RECONSTRUCTION_TAGS, "wiener_summary")


def test_planes_and_frames_that_are_needed() -> None:
    assert Request((1,), ("loose_lf",)).needed_planes == (1,)
    assert Request((1,), ("mp2_roi",)).needed_planes == (0, 1, 2)
    rois = {"refine", "loose_lf", "tight_lf", "tighter_lf"}
    coincidence = Request((1,), ("mp2_roi", "decon_charge"))
    assert set(coincidence.deconvolved_frames(0)) == rois
    assert set(coincidence.deconvolved_frames(1)) == {*rois, "decon_charge"}
    assert set(Request((1,), ("wiener",)).deconvolved_frames(1)) == {*rois, "hits"}
    assert Request((1,), ("raw",)).deconvolved_frames(1) == ()


def test_masks_are_written_as_frames_and_freed(noisy: Simulation, tmp_path: Path) -> None:
    tags = ["mp2_roi", "decon_charge"]
    config = {"tags": tags, "rounding": {"decon_charge": 50}, "first_event": 5}
    frames = noisy.simulate_frames(noisy.generate(0, 1), 0, 1, Request((1,), tuple(tags)))
    mask = frames[1]["mp2_roi"]
    path = tmp_path / "g4-rec-0.h5"
    with FrameWriter(path) as file:
        EventWriter(config, noisy.detector, 2).write_reconstruction([file], frames)
    assert frames == {1: {}}
    with open_frames(path) as written:
        samples = written.read_rows(7, f"mp2_roi{noisy.detector.apa}", slice(None))
    assert samples.dtype == np.float32
    assert mask.any()
    np.testing.assert_array_equal(samples, 4000.0 * mask)
