from typing import Any

import numpy as np
import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from roilab.simulate.chain import Simulation
from roilab.simulate.cosmic import clip_to_drift_volume, draw_direction
from roilab.simulate.errors import SimulationError
from roilab.simulate.ionisation import draw_landau


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_zenith_follows_the_squared_cosine() -> None:
    source = rng()
    cosine = -np.array([draw_direction(source)[1] for _ in range(20000)])
    # The mean of c under 3 c^2 on 0..1 is 3/4, of c^2 it is 3/5.
    assert cosine.mean() == pytest.approx(0.75, abs=0.01)
    assert (cosine**2).mean() == pytest.approx(0.6, abs=0.01)


def test_lines_enter_and_leave_through_the_faces(noisy: Simulation) -> None:
    low, high = noisy.detector.corners
    source = rng()
    for _ in range(50):
        point, direction = source.uniform(low, high), draw_direction(source)
        for end in clip_to_drift_volume(noisy.detector, point, direction):
            assert (end >= low - 1e-6).all()
            assert (end <= high + 1e-6).all()
            assert np.isclose(end, low).any() or np.isclose(end, high).any()


def test_landau_mode_and_quantiles() -> None:
    sample = draw_landau(400_000, rng())
    counts, edges = np.histogram(sample, np.arange(-3, 8, 0.2))
    assert edges[counts.argmax()] + 0.1 == pytest.approx(-0.22, abs=0.25)
    # Median of the Landau distribution.
    assert np.median(sample) == pytest.approx(1.3558, abs=0.02)


def test_cosmic_muon_charge_per_mm(noisy: Simulation) -> None:
    event = noisy.generate(0, 7)
    muons = [track for track in event.tracks if track["kind"] == "mu"]
    length = sum(track["length"] for track in muons)
    assert len(muons) >= 1
    assert 5200 < event.depositions.electrons.sum() / length < 7500
    assert {"start", "end", "t0", "angles"} <= set(muons[0])


def test_muon_path_longer_than_the_detector_is_refused(composed, noisy: Simulation) -> None:  # type: ignore[no-untyped-def]
    cosmic = generator(composed, "demo", "simulation.generator.shortest_mm=9000")
    with pytest.raises(SimulationError, match="shortest_mm is 9000"):
        cosmic(0, noisy.detector, rng())


def generator(composed: Any, sample: str, *overrides: str) -> Any:
    return instantiate(composed(sample, *overrides)["generator"], _convert_="all")


def test_track_has_its_angle_length_and_charge(composed, noisy: Simulation) -> None:  # type: ignore[no-untyped-def]
    tracks = generator(composed, "tracks", "simulation.generator.length_mm=400")
    for index, theta in ((0, 0), (6, 60), (9, 85)):
        event = tracks(index, noisy.detector, rng(index))
        (entry,) = event.tracks
        path = np.subtract(entry["end"], entry["start"])
        assert np.linalg.norm(path) == pytest.approx(400)
        assert noisy.detector.v.angles(path) == pytest.approx((theta, 90.0), abs=1e-4)
        assert event.facts == {"plane": "v", "theta_xz": theta, "theta_y": 90.0}
        assert event.depositions.electrons.sum() == pytest.approx(2e6)


def test_shower_has_its_energy_and_starts_as_a_track(composed, noisy: Simulation) -> None:  # type: ignore[no-untyped-def]
    showers = generator(composed, "showers")
    axis = np.array([0.0, 0.6, 0.8])
    cascade = showers.cascade.deposit(np.zeros(3), axis, 1000.0, 0.0, rng(3))
    assert cascade.electrons.sum() == pytest.approx(1000 * 28500, rel=1e-6)
    depth = cascade.position @ axis
    mean = np.average(depth, weights=cascade.electrons)
    # (a / b) radiation lengths with a = 1 + b (ln(E / Ec) - 1/2), here 4.9.
    assert 3.5 * 140 < mean < 6.5 * 140
    radius = np.linalg.norm(cascade.position - depth[:, None] * axis, axis=1)
    assert 0.7 < cascade.electrons[radius < 90.4].sum() / cascade.electrons.sum() < 0.97


def test_showers_take_energies_and_angles_in_turn(composed) -> None:  # type: ignore[no-untyped-def]
    showers = generator(composed, "showers", "simulation.generator.theta_xz_deg=[0,45]")
    detector = Simulation.from_config(composed("cosmic")).detector
    entries = [showers(index, detector, rng()).tracks[0] for index in range(4)]
    assert [(e["E_MeV"], e["theta_xz"]) for e in entries] == [
        (100, 0),
        (100, 45),
        (500, 0),
        (500, 45),
    ]


@pytest.mark.parametrize(
    ("sample", "override", "words"),
    [
        ("tracks", "theta_xz_deg=[95]", "theta_xz is 95 degrees: expected 0"),
        ("tracks", "theta_xz_deg=[-5]", "theta_xz is -5"),
        ("tracks", "theta_xz_deg=[]", "at least one angle"),
        ("tracks", "length_mm=0", "more than 0"),
        ("showers", "energy_mev=[]", "energy_mev is empty"),
        ("showers", "energy_mev=[-100]", "energy_mev has -100"),
        ("showers", "energy_mev=[5]", "critical energy"),
        ("cosmic", "muons=[9,3]", r"muons is \[9, 3\]"),
    ],
)
def test_invalid_settings_are_refused(composed, sample: str, override: str, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SimulationError, match=words):
        Simulation.from_config(composed(sample, f"simulation.generator.{override}"))


def test_track_that_does_not_fit_is_refused(composed, noisy: Simulation) -> None:  # type: ignore[no-untyped-def]
    tracks = generator(composed, "tracks")
    with pytest.raises(SimulationError, match="does not fit"):
        tracks(0, noisy.detector, rng())


def test_prolonged_muons_are_added_at_their_angles(composed, noisy: Simulation) -> None:  # type: ignore[no-untyped-def]
    options = ("prolonged=[3,5]", "prolonged_deg=[75,80]", "prolonged_theta_y_deg=[60,70]")
    cosmic = generator(composed, "demo", *(f"simulation.generator.{o}" for o in options))
    none = generator(composed, "demo", "simulation.generator.prolonged=[0,0]")
    plain = none(0, noisy.detector, rng(3))
    event = cosmic(0, noisy.detector, rng(3))

    def angles(tracks: Any) -> list[tuple[float, float]]:
        found = [track["angles"]["v"] for track in tracks if track["kind"] == "mu"]
        return [(angle["theta_xz"], angle["theta_y"]) for angle in found]

    nature, added = angles(plain.tracks), angles(event.tracks)
    assert added[: len(nature)] == nature
    assert 3 <= len(added) - len(nature) <= 5
    for theta_xz, theta_y in added[len(nature) :]:
        assert 75 <= theta_xz <= 80
        assert 60 <= theta_y <= 70


def test_prolonged_muons_need_an_angle(composed) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InstantiationException, match="theta_xz is 95"):
        generator(composed, "demo", "simulation.generator.prolonged_deg=[70,95]")
