"""Showers and short tracks scattered over the drift volume: many in one event, at random angles.

Samples of one particle an event (``tracks``, ``showers``) serve evaluation. For training, many
particles in an event give more signal for the time that the event takes to simulate.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.cascade import Cascade
from roilab.simulate.depositions import Depositions, GeneratedEvent, plane_angles
from roilab.simulate.errors import SimulationError
from roilab.simulate.ionisation import Ionisation
from roilab.simulate.placement import (
    check_angles,
    check_limits,
    check_planes,
    draw_inclined,
    place,
)
from roilab.types import FloatArray, Row


@dataclass(frozen=True)
class Scattered(ABC):
    """Generator of several particles of one kind in an event.

    Settings of ``conf/simulation/generator/scattered.yaml``, which documents every key.
    """

    number: tuple[int, int]
    planes: tuple[str, ...]
    theta_xz_deg: tuple[float, float]
    theta_y_deg: tuple[float, float]
    margin_mm: float

    def __post_init__(self) -> None:
        check_limits(self, ("number", "theta_xz_deg", "theta_y_deg"))
        check_angles(self.theta_xz_deg)
        check_planes(self.planes)

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> GeneratedEvent:
        """Generate event ``index``; it says which plane the first particle's angles belong to."""
        parts, tracks = [], []
        for number in range(rng.integers(*self.number, endpoint=True)):
            plane = self.planes[(index + number) % len(self.planes)]
            angles = (self.theta_xz_deg, self.theta_y_deg)
            direction = draw_inclined(detector, plane, *angles, rng)
            charge, track = self.make_particle(detector, direction, rng)
            parts.append(charge)
            tracks.append(track | {"angles": plane_angles(detector, direction)})
        return GeneratedEvent(Depositions.join(parts), tracks)

    @abstractmethod
    def make_particle(
        self, detector: Detector, direction: FloatArray, rng: np.random.Generator
    ) -> tuple[Depositions, Row]:
        """Return the depositions of a particle along a unit vector, and its entry in meta.json."""


@dataclass(frozen=True)
class ScatteredShowers(Scattered):
    """Generator of several electron showers in an event.

    Settings of ``conf/simulation/generator/scattered_showers.yaml``, which documents every key.
    """

    cascade: Cascade
    energy_mev: tuple[float, float]
    axis_mm: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_limits(self, ("energy_mev",))
        self.cascade.check_energies(self.energy_mev)

    def make_particle(
        self, detector: Detector, direction: FloatArray, rng: np.random.Generator
    ) -> tuple[Depositions, Row]:
        """Return depositions and entry of a shower; the logarithm of its energy is uniform."""
        energy = float(np.exp(rng.uniform(*np.log(self.energy_mev))))
        path = self.axis_mm * direction
        start, time = place(detector, path, self.margin_mm, "The axis of a shower", rng)
        charge = self.cascade.deposit(start, direction, energy, time, rng)
        track = {"kind": "shower", "start": start.tolist(), "direction": direction.tolist()}
        return charge, track | {"t0": time, "E_MeV": energy}


@dataclass(frozen=True)
class ScatteredTracks(Scattered):
    """Generator of several short tracks in an event, some of them of slow, dense particles.

    Settings of ``conf/simulation/generator/scattered_tracks.yaml``, which documents every key.
    """

    ionisation: Ionisation
    length_mm: tuple[float, float]
    density: tuple[float, float]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_limits(self, ("length_mm", "density"))
        if min(*self.length_mm, *self.density) <= 0:
            raise SimulationError(
                f"length_mm is {list(self.length_mm)} and density {list(self.density)}: expected "
                "more than 0."
            )

    def make_particle(
        self, detector: Detector, direction: FloatArray, rng: np.random.Generator
    ) -> tuple[Depositions, Row]:
        """Return depositions and entry of a track."""
        length, density = rng.uniform(*self.length_mm), rng.uniform(*self.density)
        path = length * direction
        name = f"A track of {length:.0f} mm"
        start, time = place(detector, path, self.margin_mm, name, rng)
        charge, probable = self.ionisation.deposit_muon(start, start + path, time, rng)
        denser = Depositions(charge.position, charge.time_ns, density * charge.electrons)
        track = {
            "kind": "track",
            "start": start.tolist(),
            "end": (start + path).tolist(),
            "t0": time,
            "length": length,
            "e_per_mm_mpv": density * probable,
        }
        return denser, track
