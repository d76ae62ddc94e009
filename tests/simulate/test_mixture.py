from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roilab.building import build
from roilab.detectors.detector import Detector
from roilab.simulate.chain import Simulation
from roilab.simulate.errors import SimulationError
from roilab.simulate.production import Production

KINDS = ("cosmic", "prolonged", "showers", "blips")


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def only(kind: str) -> str:
    shares = ",".join(f"{name}:{int(name == kind)}" for name in KINDS)
    return f"simulation.generator.shares={{{shares}}}"


@pytest.fixture(scope="module")
def mixture(composed: Any) -> Any:
    return build("generator", composed("demo_mixture")["generator"])


def test_any_number_of_events_has_the_shares(mixture: Any) -> None:
    kinds = [mixture.choose_kind(index) for index in range(200)]
    for first, last in ((0, 20), (0, 100), (70, 170), (0, 200)):
        count, events = Counter(kinds[first:last]), last - first
        for kind, share in mixture.shares.items():
            assert abs(count[kind] - share * events) < 2, (first, last, kind)


def test_a_share_of_0_leaves_a_kind_out_and_only_ratios_count(composed: Any) -> None:
    given = "simulation.generator.shares={cosmic:0,prolonged:6,showers:2,blips:0}"
    mixture = build("generator", composed("demo_mixture", given)["generator"])
    count = Counter(mixture.choose_kind(index) for index in range(80))
    assert set(count) == {"prolonged", "showers"}
    assert abs(count["prolonged"] - 60) < 2


def test_event_follows_from_seed_and_number(composed: Any) -> None:
    simulation = Simulation.from_config(composed("demo_mixture"))
    events = [simulation.generate(index, 5) for index in range(4)]
    again = Simulation.from_config(composed("demo_mixture")).generate(2, 5)
    other = simulation.generate(2, 6)
    assert again.facts == events[2].facts == other.facts
    assert again.tracks == events[2].tracks
    np.testing.assert_array_equal(again.depositions.position, events[2].depositions.position)
    assert other.tracks != again.tracks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "detector",
    [("mixture",), ("mixture", "detector=small"), ("demo_mixture",)],
    ids=["pdhd", "many in small", "small"],
)
def test_every_kind_has_its_particles(composed: Any, detector: tuple[str, ...], kind: str) -> None:
    config = composed(*detector, only(kind))
    simulation, settings = Simulation.from_config(config), config["generator"]["kinds"][kind]
    event = simulation.generate(3, 1)
    assert event.facts == {"kind": kind}
    count = Counter(track["kind"] for track in event.tracks)
    prolonged = settings["cosmic"]["prolonged"]
    muons = [sum(pair) for pair in zip(settings["cosmic"]["muons"], prolonged, strict=True)]
    expected = {"mu": muons, "blip": settings["cosmic"]["blips"]}
    expected["shower"] = settings.get("showers", {}).get("number", [0, 0])
    expected["track"] = settings.get("tracks", {}).get("number", [0, 0])
    for name, (low, high) in expected.items():
        assert low <= count[name] <= high, name
    low, high = simulation.detector.corners
    for track in event.tracks:
        assert (np.array(track["start"]) >= low - 1e-6).all()
        assert (np.array(track.get("end", high)) <= high + 1e-6).all()


def test_prolonged_muons_take_the_planes_in_turn(composed: Any) -> None:
    alone = "simulation.generator.kinds.prolonged.cosmic.muons=[0,0]"
    simulation = Simulation.from_config(composed("demo_mixture", only("prolonged"), alone))
    for index in (0, 1):
        muons = [t for t in simulation.generate(index, 1).tracks if t["kind"] == "mu"]
        assert len(muons) >= 4
        for number, muon in enumerate(muons):
            assert 75 <= muon["angles"]["uvw"[(index + number) % 3]]["theta_xz"] <= 89


def test_showers_and_tracks_have_angles_energies_and_charge(composed: Any) -> None:
    part = "simulation.generator.kinds.showers"
    config = composed(
        "demo_mixture",
        f"{part}.showers.number=[20,20]",
        f"{part}.showers.theta_xz_deg=[30,40]",
        f"{part}.showers.energy_mev=[200,400]",
        f"{part}.tracks.number=[20,20]",
        f"{part}.tracks.density=[2,2]",
        f"{part}.tracks.ionisation.landau_electrons_per_mm=0",
    )
    detector: Detector = build("detector", config["detector"])
    kinds = config["generator"]["kinds"]["showers"]
    showers = build("showers", kinds["showers"])(0, detector, rng())
    energies = [track["E_MeV"] for track in showers.tracks]
    assert 200 <= min(energies) < 240
    assert 350 < max(energies) <= 400
    assert showers.depositions.electrons.sum() == pytest.approx(28500 * sum(energies))
    for number, track in enumerate(showers.tracks):
        assert 30 <= track["angles"]["uvw"[number % 3]]["theta_xz"] <= 40
    tracks = build("tracks", kinds["tracks"])(0, detector, rng())
    charge = [track["e_per_mm_mpv"] * track["length"] for track in tracks.tracks]
    assert tracks.depositions.electrons.sum() == pytest.approx(sum(charge))
    assert all(2 * 4500 <= track["e_per_mm_mpv"] <= 2 * 5500 for track in tracks.tracks)


def test_meta_says_the_kind(composed: Any, tmp_path: Path) -> None:
    production = Production(composed("demo_mixture", "simulation.events=6"), tmp_path)
    events = production.collect_metadata()["events"]
    kinds = [production.simulation.generator.choose_kind(index) for index in range(6)]  # type: ignore[attr-defined]
    assert [event["kind"] for event in events] == kinds
    assert len(set(kinds)) >= 3


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("shares={cosmic:0,prolonged:0,showers:0,blips:0}", "one of them above 0"),
        ("shares.cosmic=-1", "numbers of 0 or more"),
        ("kinds.showers.showers.energy_mev=[5,100]", "critical energy"),
        ("kinds.showers.showers.planes=[x]", "wire planes of angles are x"),
        ("kinds.showers.tracks.density=[0,1]", r"density \[0, 1\]: expected more than 0"),
        ("kinds.showers.tracks.number=[4,2]", r"number is \[4, 2\]"),
        ("kinds.prolonged.cosmic.prolonged_planes=[]", "wire planes of angles are none"),
    ],
)
def test_invalid_settings_are_refused(composed: Any, override: str, words: str) -> None:
    with pytest.raises(SimulationError, match=words):
        Simulation.from_config(composed("demo_mixture", f"simulation.generator.{override}"))


def test_shares_without_a_kind_are_refused(composed: Any) -> None:
    config = composed("demo_mixture")
    del config["generator"]["shares"]["blips"]
    with pytest.raises(SimulationError, match="expected a number for each of cosmic, prolonged"):
        Simulation.from_config(config)
