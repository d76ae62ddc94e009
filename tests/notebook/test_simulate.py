"""Planes simulated in memory are those that the command writes."""

import sys
from pathlib import Path

import numpy as np
import pytest

import roilab
from roilab.errors import RoilabError
from roilab.simulate.__main__ import main
from roilab.simulate.chain import Simulation

LENGTH = {"length_mm": 400, "margin": 60}


def test_same_planes_as_the_files_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = ["orig", "decon_charge", "mp3_roi", "loose_lf"]
    planes = roilab.simulate(
        "tracks", detector="small", theta_xz=(80, 20), events=1, seed=5, first_event=7,
        planes=["u", "v"], tags=tags, noise="coherent", **LENGTH,
    )  # fmt: skip
    simulation = f"events=1 seed=5 first_event=7 planes=[u,v] tags=[{','.join(tags)}]"
    generator = "theta_xz_deg=[80,20] length_mm=400 margin_mm=60"
    arguments = [
        *(f"simulation.{one}" for one in simulation.split()),
        *(f"simulation.generator.{one}" for one in generator.split()),
        *("simulation=tracks", "detector=small", "simulation/noise=coherent"),
        f"output_dir={tmp_path / 'files'}",
    ]
    monkeypatch.setattr(sys, "argv", ["roilab.simulate", *arguments])
    main()
    frames = roilab.open(tmp_path / "files" / "g4-rec-0.h5", detector="small")
    assert [(plane.event, plane.name) for plane in planes] == [(7, "U"), (7, "V")]
    assert frames.events == (7,)
    for plane in planes:
        read = frames.plane(plane.name, event=plane.event)
        assert list(plane.tags) == list(read.tags) == sorted(tags)
        for tag, samples in read.tags.items():
            np.testing.assert_array_equal(plane.tags[tag], samples)
            assert plane.tags[tag].dtype == samples.dtype
        assert plane.truth is not None
        assert plane.truth.any()
        np.testing.assert_array_equal(plane.truth, read.truth)
        for name in ("apa", "channels", "ticks", "axis", "missing", "available"):
            assert getattr(plane, name) == getattr(read, name)


def test_planes_are_a_sequence_made_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def blank(self: Simulation, event: object, index: int, *others: object) -> object:
        calls.append(index)
        frame = np.zeros((300, 1800), np.int16)
        return [{"orig": frame}] * 3, [frame] * 3

    monkeypatch.setattr(Simulation, "simulate", blank)
    planes = roilab.simulate("tracks", "small", events=3, tags=["orig"], **LENGTH)
    assert len(planes) == 9
    assert not calls
    assert planes[-1].event == 2
    assert [plane.name for plane in planes[6:]] == ["U", "V", "W"]
    assert calls == [2]  # the last event is kept
    assert planes[1].name == "V"
    with pytest.raises(IndexError):
        planes[9]
    assert calls == [2, 0]
    assert "events: 3, planes: U V W, tags: orig" in repr(planes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_events": 3}, "n_events is not a setting of this simulation; did you mean 'events'?"),
        ({"theta_yz": [60]}, "did you mean 'theta_xz'?"),
        ({"muons": [1, 2]}, "muons is not a setting of this simulation; expected one of"),
        ({"theta_xz": 60}, r"theta_xz=60; expected a list, such as \[0, 10,"),
        ({"events": "ten"}, "events='ten'; expected a number, such as 10"),
        ({"events": 0}, "events is 0: expected at least 1"),
        ({"planes": ["x"]}, "planes has x: expected some of u, v, w"),
        ({"seed": -1}, "seed=-1 does not fit the simulation: expected non-negative integer"),
        ({"theta_xz": ["a"]}, r"theta_xz=\['a'\] does not fit the simulation"),
        ({"noise": "coherant"}, "noise='coherant': did you mean 'coherent'?"),
        ({"noise": {"white": 1}}, "noise has no 'white'; did you mean 'white_adc'?"),
        ({"noise": 2}, "noise=2; expected a mapping of some of"),
        ({"kind": "track"}, "kind='track': did you mean 'tracks'?"),
        ({"detector": "smal"}, "detector='smal': did you mean 'small'?"),
        ({"length": 1e9}, "A track of 1000000000 mm"),
    ],
)
def test_mistakes(settings: dict[str, object], words: str) -> None:
    given = {"kind": "tracks", "detector": "small", **LENGTH, **settings}
    if "length" in settings:
        del given["length_mm"]
    with pytest.raises(RoilabError, match=words) as error:
        roilab.simulate(**given)
    assert "\n" not in str(error.value)


def test_keys_of_a_part() -> None:
    quiet = roilab.simulate("tracks", "small", noise={"white_adc": 0}, **LENGTH)
    assert quiet._production.config["noise"]["white_adc"] == 0
    assert len(quiet._production.config["noise"]) > 2
