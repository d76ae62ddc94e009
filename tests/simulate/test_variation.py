"""Variations of the detector: each changes what its name says, by the amount that it says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roilab.building import build
from roilab.simulate.chain import Simulation
from roilab.simulate.drift import drift_electrons
from roilab.simulate.errors import SimulationError
from roilab.simulate.production import Production
from roilab.simulate.request import Request
from roilab.simulate.response import compute_waveforms

CHARGE = Request(tags=("decon_charge", "raw"))


@pytest.fixture(scope="module")
def varied(composed: Any, quiet: Simulation) -> Any:
    """Return the detector without noise with a variation."""

    def make(name: str) -> Simulation:
        config = composed("demo", f"simulation/variation={name}")["variation"]
        return replace(quiet, variation=build("variation", config))

    return make


@pytest.fixture(scope="module")
def nominal(quiet: Simulation, track: Any) -> Any:
    """The event of all variations: nominal frames and truth of a track without noise."""
    return quiet.simulate(track(quiet, "v", 30), 0, 1, CHARGE)


def slope(frame: Any, nominal: Any) -> float:
    """Return the factor by which a frame is larger."""
    return float((frame * nominal).sum() / (nominal * nominal).sum())


@pytest.mark.parametrize(
    ("name", "induction", "collection", "truth"),
    [
        ("none", 1, 1, 1),
        ("gain_high", 1.1, 1.1, 1),
        ("gain_low", 0.9, 0.9, 1),
        ("response_high", 1.1, 1, 1),
        ("response_low", 0.9, 1, 1),
        ("recombination_high", 0.95, 0.95, 0.95),
    ],
)
def test_charge_and_truth_change_by_their_factors(
    varied: Any, nominal: Any, track: Any, name: str, induction: float, collection: float,
    truth: float,
) -> None:  # fmt: skip
    simulation = varied(name)
    event = simulation.variation.vary_event(track(simulation, "v", 30))
    frames, truths = simulation.simulate(event, 0, 1, CHARGE)
    for plane, expected in enumerate((induction, induction, collection)):
        before = nominal[0][plane]["decon_charge"]
        found = slope(frames[plane]["decon_charge"], before)
        assert found == pytest.approx(expected, rel=1e-3)
        assert truths[plane].sum() == pytest.approx(truth * nominal[1][plane].sum(), rel=1e-5)


def test_half_the_lifetime_squares_the_attenuation(composed: Any, track: Any) -> None:
    nominal = Simulation.from_config(composed("demo"))
    half = Simulation.from_config(composed("demo", "simulation/variation=lifetime_half"))
    charge = track(nominal, "v", 60).depositions
    left, right = (
        drift_electrons(charge, sim.actual_detector, 0.0).electrons / charge.electrons
        for sim in (nominal, half)
    )
    assert 0.8 < left.min() < 0.99  # 8 ms, up to 0.6 ms of drift
    np.testing.assert_allclose(right, left**2, rtol=1e-6)
    assert half.detector == nominal.detector


def test_diffusion_widens_the_clouds(varied: Any, quiet: Simulation, track: Any) -> None:
    charge = track(quiet, "v", 60).depositions
    clouds, wider = (
        drift_electrons(charge, sim.actual_detector, 0.0)
        for sim in (quiet, varied("diffusion_high"))
    )
    np.testing.assert_allclose(wider.sigma_mm, np.sqrt(1.3) * clouds.sigma_mm)
    np.testing.assert_allclose(wider.sigma_tick, np.sqrt(1.3) * clouds.sigma_tick)


@pytest.mark.parametrize(
    ("name", "factor"), [("noise_high", 1.3), ("gain_high", 1.1), ("none", 1.0)]
)
def test_noise_changes_by_its_factor(composed: Any, name: str, factor: float) -> None:
    """The same random numbers give the same noise, larger by the factor."""
    before, after = (
        Simulation.from_config(
            composed("demo", f"simulation/variation={variation}")
        ).actual_noise.generate(1, (100, 1800), 500.0, 2.2, np.random.default_rng(1))
        for variation in ("none", name)
    )
    # The digitiser's white floor does not follow the gain: 2.3 of 14 ADC counts.
    assert after.std() / before.std() == pytest.approx(factor, abs=4e-3)


def test_coherent_noise_is_added(composed: Any) -> None:
    sim = Simulation.from_config(composed("demo", "simulation/variation=coherent_noise"))
    shape, group = (200, 1800), sim.noise.coherent_group
    noise = sim.actual_noise.generate(1, shape, 500.0, 2.2, np.random.default_rng(1))
    shared = noise.reshape(-1, group, shape[1]).mean(axis=1)
    # The mean of 40 channels with 14 counts of independent noise adds 2.2 counts.
    assert np.sqrt((shared**2).mean() - 14.0**2 / group) == pytest.approx(3.0, rel=0.1)


def test_dead_channels_have_no_signal_in_any_event(varied: Any, nominal: Any, track: Any) -> None:
    simulation = varied("dead_channels")
    simulation = replace(simulation, variation=replace(simulation.variation, dead_channels=0.2))
    event = track(simulation, "v", 30)
    frames, truth = simulation.simulate(event, 0, 1, CHARGE)
    later, _ = simulation.simulate(event, 7, 1, CHARGE)
    other, _ = simulation.simulate(event, 0, 2, CHARGE)
    for plane, channels in enumerate((300, 300, 208)):
        seen = nominal[0][plane]["raw"].any(axis=1)
        dead = simulation.variation.draw_dead_channels(plane, channels, 1)
        assert dead.sum() == round(0.2 * channels)
        assert (dead & seen).sum() > 5
        np.testing.assert_array_equal(frames[plane]["raw"].any(axis=1), seen & ~dead)
        np.testing.assert_array_equal(later[plane]["raw"], frames[plane]["raw"])
        assert (other[plane]["raw"].any(axis=1) != seen & ~dead).any()
        np.testing.assert_array_equal(truth[plane], nominal[1][plane])


def test_lower_bias_changes_only_the_actual_response(varied: Any, quiet: Simulation) -> None:
    simulation = varied("bias_low")
    volts = simulation.actual_response.field.bias_volts
    assert volts == pytest.approx([-598.5, -333.0, 0.0, 738.0])
    assert simulation.response == quiet.response
    tick, centre = quiet.detector.tick_ns, quiet.response.field.neighbours
    nominal, lower = (
        compute_waveforms(response, tick)[:2, centre].mean(axis=1)
        for response in (quiet.response, simulation.actual_response)
    )
    assert np.abs(lower - nominal).max() > 0.02 * np.abs(nominal).max()


def test_meta_says_the_variation(composed: Any, tmp_path: Path) -> None:
    config = composed("demo_tracks", "simulation/variation=lifetime_half", "simulation.events=1")
    common = Production(config, tmp_path).collect_metadata()["common"]
    assert common["variation"] == {"lifetime": 0.5}
    assert common["lifetime_ms"] == 4.0


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("gain=0", "variation.gain is 0: expected more than 0"),
        ("noise=-1", "variation.noise is -1: expected 0 or more"),
        ("dead_channels=2", "dead_channels is 2: expected a fraction"),
    ],
)
def test_invalid_variations_are_refused(composed: Any, override: str, words: str) -> None:
    with pytest.raises(SimulationError, match=words):
        Simulation.from_config(composed("demo", f"simulation.variation.{override}"))
