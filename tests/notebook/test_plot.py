"""Figures of planes, with and without truth and ROIs."""

from dataclasses import replace
from pathlib import Path

import pytest

import roilab
from roilab.errors import RoilabError
from roilab.inference import Plane
from tiny_frames import TICKS

DETECTOR = {"u": {"channels": 48}, "v": {"channels": 48}, "w": {"channels": 64}, "nticks": TICKS}


@pytest.fixture
def plane(tracks_dir: Path) -> Plane:
    return roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR).plane("V", event=2)


def titles(figure: object) -> list[str]:
    return [axis.get_title() for axis in figure.axes if axis.get_title()]  # type: ignore[attr-defined]


def test_plane_and_rois(plane: Plane, model: Path) -> None:
    network = roilab.load(model)
    figure = roilab.plot(plane, network(plane))
    layers = ["loose_lf", "mp2_roi", "mp3_roi"]
    found = ["ROI probability of the network", "ROI mask of the network, pixels"]
    assert titles(figure) == [
        *(*layers, "decon_charge", "gauss", "truth", *found, "charge of the network"),
    ]  # fmt: skip
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    axis = figure.axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("tick [500 ns]", "channel")
    assert axis.get_ylim() == (plane.channels[0] - 0.5, plane.channels[1] - 0.5)
    assert axis.get_xlim() == (-0.5, TICKS - 0.5)
    bars = [axis.get_ylabel() for axis in figure.axes if not axis.get_title()]
    assert bars.count("ROI probability") == 1
    assert set(bars) == {"ROI probability", "charge [e / tick]"}


def test_without_truth_and_rois(plane: Plane, model: Path) -> None:
    alone = replace(plane, truth=None, no_truth="no truth file was given")
    assert titles(roilab.plot(alone, tags=["gauss"])) == ["gauss"]
    figure = roilab.plot(alone, roilab.load(model)(alone), tags=["gauss"], ticks=[100, 300])
    mask = figure.axes[titles(figure).index("ROI mask of the network (no truth)") + 2]
    # One slice of 10 ticks in 4 channels; nothing is said about a truth that does not exist.
    assert [text.get_text() for text in mask.get_legend().get_texts()] == ["pixels inside 40"]
    assert mask.get_xlim() == (99.5, 299.5)


def test_mistakes(plane: Plane, model: Path, tracks_dir: Path) -> None:
    other = roilab.open(tracks_dir / "g4-rec-0.h5", DETECTOR).plane("U", event=2)
    with pytest.raises(RoilabError, match=r"plane V, the plane is .* plane U; give both of one"):
        roilab.plot(other, roilab.load(model)(plane))
    with pytest.raises(RoilabError, match=r"plot has no argument 'tick'; did you mean 'ticks'"):
        roilab.plot(plane, tick=[0, 10])
