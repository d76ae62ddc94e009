"""Electromagnetic showers of electrons of given energies at given angles, one an event."""

from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.cascade import Cascade
from roilab.simulate.depositions import GeneratedEvent, plane_angles
from roilab.simulate.placement import check_angles, compute_direction, place


@dataclass(frozen=True)
class Showers:
    """Generator of electron showers, one an event.

    Settings of ``conf/simulation/generator/showers.yaml``, which documents every key.
    """

    cascade: Cascade
    plane: str
    energy_mev: tuple[float, ...]
    theta_xz_deg: tuple[float, ...]
    margin_mm: float
    axis_mm: float

    def __post_init__(self) -> None:
        check_angles(self.theta_xz_deg)
        self.cascade.check_energies(self.energy_mev)

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> GeneratedEvent:
        """Generate the shower of event ``index``."""
        theta = self.theta_xz_deg[index % len(self.theta_xz_deg)]
        energy = self.energy_mev[index // len(self.theta_xz_deg) % len(self.energy_mev)]
        axis = compute_direction(detector, self.plane, theta, int(rng.choice([-1, 1])))
        name = f"The axis of a shower at {theta} degrees"
        start, time = place(detector, self.axis_mm * axis, self.margin_mm, name, rng)
        charge = self.cascade.deposit(start, axis, energy, time, rng)
        facts = {"plane": self.plane.lower(), "theta_xz": theta, "theta_y": 90.0}
        track = {
            "kind": "shower",
            "start": start.tolist(),
            "direction": axis.tolist(),
            "t0": time,
            "E_MeV": energy,
            **facts,
            "angles": plane_angles(detector, axis),
        }
        return GeneratedEvent(charge, [track], facts)
