import numpy as np
import pytest

from roilab.simulate.chain import Simulation
from roilab.simulate.drift import drift_electrons
from roilab.simulate.errors import SimulationError
from roilab.simulate.field import (
    compute_drift_speed,
    compute_induced_currents,
    compute_weighting_potential,
)
from roilab.simulate.response import cold_electronics, compute_waveforms


def test_drift_speed_at_the_nominal_field() -> None:
    # 1.6 mm/us at 0.5 kV/cm and 89 K is a textbook number.
    assert compute_drift_speed(np.array([0.5]))[0] == pytest.approx(1.6, abs=0.02)


def test_weighting_potential_is_one_on_its_wire_and_zero_on_the_others(noisy: Simulation) -> None:
    field = noisy.response.field
    surface = field.radius_mm
    pitch, v_height = field.pitch_mm[1], field.heights_mm[2]
    x = np.array([surface, pitch + surface, surface, 0.0])
    y = np.array([v_height, v_height, 0.0, -field.ground_mm])
    potential = compute_weighting_potential(field, 1, x, y)
    np.testing.assert_allclose(potential, [1, 0, 0, 0], atol=5e-3)


def test_collected_charge_is_one_and_induced_charge_vanishes(noisy: Simulation) -> None:
    charge = compute_induced_currents(noisy.response.field).sum(axis=-1)
    centre = noisy.response.field.neighbours
    np.testing.assert_allclose(charge[2, centre], 1.0, atol=1e-3)
    np.testing.assert_allclose(np.delete(charge[2], centre, axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(charge[:2], 0.0, atol=5e-3)


def test_induction_is_bipolar_and_neighbours_see_it(noisy: Simulation) -> None:
    currents = compute_induced_currents(noisy.response.field).mean(axis=2)
    centre = noisy.response.field.neighbours
    for plane in (0, 1):
        central, neighbour = currents[plane, centre], currents[plane, centre + 1]
        assert central.argmax() < central.argmin()
        assert 0.1 < np.abs(neighbour).max() / np.abs(central).max() < 0.8


def test_amplifier_peaks_at_one_after_its_peaking_time() -> None:
    time = np.linspace(-1, 30, 3101)
    shape = cold_electronics(time, 2.2)
    assert shape.max() == pytest.approx(1.0, abs=1e-4)
    assert 2.2 < time[shape.argmax()] < 2.8
    assert (shape[time <= 0] == 0).all()


def test_counts_are_rounded_and_clipped(noisy: Simulation) -> None:
    waveforms = np.array([[-1e6, 0.4, 0.6, 1e6]], dtype=np.float32)
    counts = noisy.response.digitise(waveforms, 0)
    base = int(noisy.response.baseline_adc[0])
    np.testing.assert_array_equal(counts, [[0, base, base + 1, 2**14 - 1]])
    assert counts.dtype == np.int16


@pytest.mark.parametrize("plane", ["u", "v", "w"])
def test_deconvolved_charge_of_a_perpendicular_track_is_the_truth(
    quiet: Simulation, track, plane: str
) -> None:  # type: ignore[no-untyped-def]
    index = "uvw".index(plane)
    event = track(quiet, plane, 0)
    planes, truth = quiet.simulate(event, 0, 1)
    sums = truth[index].sum(axis=1)
    inner = np.flatnonzero(sums > 0.99 * sums.max())[2:-2]
    assert len(inner) > 50
    # 5000 e/mm times the pitch.
    pitch = quiet.detector.planes[index].pitch_mm
    assert sums[inner].mean() == pytest.approx(5000 * pitch, rel=2e-3)
    tick = int(truth[index][inner[0]].argmax())
    window = slice(tick - 40, tick + 41)
    charge = planes[index]["decon_charge"][inner, window]
    edge = 0.5 * (charge[:, :1] + charge[:, -1:])
    assert (charge - edge).sum(axis=1).mean() == pytest.approx(sums[inner].mean(), rel=0.02)
    # The truth leads by about a tick.
    late = charge.mean(axis=0).argmax() - 40
    assert 0 <= late <= 2


def test_odd_number_of_impacts_is_refused(composed) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SimulationError, match="even number"):
        Simulation.from_config(composed("demo", "simulation.response.field.impacts=5"))


def test_tick_must_fit_the_sampling(noisy: Simulation) -> None:
    with pytest.raises(SimulationError, match="no multiple"):
        compute_waveforms(noisy.response, 512.0 + 1e-1)


def test_arrival_before_the_readout_leaves_no_signal(quiet: Simulation, track) -> None:  # type: ignore[no-untyped-def]
    event = track(quiet, "v", 0).depositions
    early = type(event)(event.position, event.time_ns - 2e6, event.electrons)
    arrivals = drift_electrons(early, quiet.detector, quiet.response.delay_us)
    assert np.abs(quiet.response.compute_signal(arrivals, quiet.detector, 1)).max() < 1.0


def test_signals_of_distant_tracks_add_up(quiet: Simulation, track) -> None:  # type: ignore[no-untyped-def]
    """The signal is computed on the wires near the charge only; other charge changes nothing."""
    one = track(quiet, "v", 60).depositions
    away = np.array([0.0, 0.0, 300.0])
    two = type(one)(0.5 * one.position + away, one.time_ns + 2e5, one.electrons)

    def signal(charge):  # type: ignore[no-untyped-def]
        arrivals = drift_electrons(charge, quiet.detector, quiet.response.delay_us)
        return quiet.response.compute_signal(arrivals, quiet.detector, 0)

    together = signal(type(one).join([one, two]))
    np.testing.assert_allclose(together, signal(one) + signal(two), atol=1e-2)
    assert together.max() > 50
