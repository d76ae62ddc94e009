from itertools import pairwise
from math import erf, sqrt

import numpy as np
import pytest

from roilab.simulate.chain import Simulation
from roilab.simulate.depositions import Depositions
from roilab.simulate.drift import add_clouds, drift_electrons


def point(x: float, electrons: float = 1000.0, y: float = 500.0) -> Depositions:
    return Depositions(np.array([[x, y, 500.0]]), np.array([0.0]), np.array([electrons]))


def test_attenuation_and_diffusion_by_hand(noisy: Simulation) -> None:
    detector = noisy.detector
    # 788 mm from the response plane at 1.576 mm/us is 500 us.
    x = detector.wire_x_mm - detector.response_plane_mm - 788.0
    arrivals = drift_electrons(point(x), detector, delay_us=0.0)
    assert arrivals.tick[0] == pytest.approx(1000.0)
    assert arrivals.electrons[0] == pytest.approx(1000 * np.exp(-0.5 / 8.0))
    # sqrt(2 * 1200 mm^2/s * 500 us) = 1.095 mm; sqrt(2 * 720 * 5e-4) = 0.8485 mm = 1.077 ticks.
    assert arrivals.sigma_mm[0] == pytest.approx(1.0954, rel=1e-3)
    assert arrivals.sigma_tick[0] == pytest.approx(1.0768, rel=1e-3)


@pytest.mark.parametrize("depositions", [point(-1.0), point(1300.0), point(600.0, y=-1.0)])
def test_charge_outside_the_drift_volume_is_lost(
    noisy: Simulation, depositions: Depositions
) -> None:
    assert not len(drift_electrons(depositions, noisy.detector, 0.0).electrons)


def test_clouds_keep_their_charge_centre_and_width() -> None:
    grid = np.zeros((40, 60), dtype=np.float32)
    add_clouds(
        grid,
        (np.array([20.3]), np.array([1.5])),
        (np.array([30.7]), np.array([2.5])),
        np.array([700.0]),
    )
    rows, ticks = np.arange(40) + 0.5, np.arange(60) + 0.5
    assert grid.sum() == pytest.approx(700.0, rel=1e-5)
    assert (grid.sum(axis=1) @ rows) / 700 == pytest.approx(20.3, abs=0.01)
    assert (grid.sum(axis=0) @ ticks) / 700 == pytest.approx(30.7, abs=0.01)
    # Binning adds a variance of 1/12.
    variance = grid.sum(axis=0) @ (ticks - 30.7) ** 2 / 700
    assert variance == pytest.approx(2.5**2 + 1 / 12, rel=0.01)


def test_charge_outside_the_grid_is_dropped_and_wrapped_rows_return() -> None:
    grid = np.zeros((4, 10), dtype=np.float32)
    narrow = np.array([0.0])
    middle = (np.array([5.5]), narrow)
    add_clouds(grid, middle, (np.array([3.5]), narrow), np.array([1.0]), modulo=6)
    assert grid[1, 3] == 1.0
    add_clouds(grid, middle, (np.array([3.5]), narrow), np.array([1.0]))
    add_clouds(grid, (np.array([1.5]), narrow), (np.array([10.5]), narrow), np.array([1.0]))
    assert grid.sum() == 1.0


def test_many_clouds_agree_with_a_loop() -> None:
    random, shape, wires = np.random.default_rng(4), (7, 30), 18
    across = random.uniform(-2, 20, 50), random.uniform(0.1, 1.5, 50)
    along, charge = (random.uniform(-3, 33, 50), random.uniform(0.1, 3, 50)), random.random(50)
    grid, expected = np.zeros(shape, dtype=np.float32), np.zeros(shape)
    add_clouds(grid, across, along, charge, wires)

    def shares(centre: float, sigma: float, bins: int) -> list[float]:
        edges = [0.5 * erf((edge - centre) / (sqrt(2) * sigma)) for edge in range(bins + 1)]
        return [after - before for before, after in pairwise(edges)]

    for cloud, electrons in enumerate(charge):
        rows = shares(across[0][cloud], across[1][cloud], wires)
        ticks = shares(along[0][cloud], along[1][cloud], shape[1])
        for row, share in enumerate(rows):
            expected[row % shape[0]] += electrons * share * np.array(ticks)
    # Gaussians are cut at 4 widths.
    np.testing.assert_allclose(grid, expected, atol=5e-4)


def test_truth_sums_to_the_charge_that_arrives(noisy: Simulation, track) -> None:  # type: ignore[no-untyped-def]
    event = track(noisy, "v", 40)
    arrivals = drift_electrons(event.depositions, noisy.detector, noisy.response.delay_us)
    for plane in range(3):
        frame = noisy.truth(arrivals, noisy.detector, plane)
        assert frame.sum() == pytest.approx(arrivals.electrons.sum(), rel=1e-3)
