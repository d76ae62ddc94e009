"""Small simulations composed from conf/."""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import OmegaConf

from composing import composed as composed_once
from roilab.simulate.chain import Simulation
from roilab.simulate.depositions import Depositions, GeneratedEvent, divide_line
from roilab.simulate.placement import compute_direction

Config = dict[str, Any]


def compose_sample(sample: str, *overrides: str) -> Config:
    config = composed_once("simulate", [f"simulation={sample}", *overrides])
    container: Config = OmegaConf.to_container(config.simulation, resolve=True)
    return container


@pytest.fixture(scope="session")
def composed() -> Callable[..., Config]:
    return compose_sample


@pytest.fixture(scope="session")
def quiet() -> Simulation:
    """The small detector without noise and without attenuation."""
    return Simulation.from_config(
        compose_sample("demo", "simulation/noise=none", "detector.lifetime_ms=1e9")
    )


@pytest.fixture(scope="session")
def noisy() -> Simulation:
    """The small detector with noise."""
    return Simulation.from_config(compose_sample("demo"))


@pytest.fixture(scope="session")
def track() -> Callable[..., GeneratedEvent]:
    def make(sim: Simulation, plane: str, theta: float, length: float = 400.0) -> GeneratedEvent:
        """Make a track of 5000 e/mm through the middle of the detector."""
        low, high = sim.detector.corners
        path = length * compute_direction(sim.detector, plane, theta)
        start = (low + high - path) / 2
        position, step = divide_line(start, start + path, 1.0)
        return GeneratedEvent(Depositions.at_time(position, 0.0, 5000.0 * step))

    return make
