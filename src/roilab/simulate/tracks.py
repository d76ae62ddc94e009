"""Ideal tracks: straight lines of constant charge at a given angle to a wire plane."""

from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions, GeneratedEvent, divide_line, plane_angles
from roilab.simulate.errors import SimulationError
from roilab.simulate.placement import check_angles, compute_direction, place


@dataclass(frozen=True)
class Tracks:
    """Generator of ideal tracks, one an event.

    Settings of ``conf/simulation/generator/tracks.yaml``, which documents every key.
    """

    plane: str
    theta_xz_deg: tuple[float, ...]
    length_mm: float
    electrons_per_mm: float
    step_mm: float
    margin_mm: float

    def __post_init__(self) -> None:
        check_angles(self.theta_xz_deg)
        if min(self.length_mm, self.electrons_per_mm, self.step_mm) <= 0:
            raise SimulationError(
                f"length_mm is {self.length_mm}, electrons_per_mm {self.electrons_per_mm} and "
                f"step_mm {self.step_mm}: expected more than 0 for each."
            )

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> GeneratedEvent:
        """Generate the track of event ``index``."""
        theta = self.theta_xz_deg[index % len(self.theta_xz_deg)]
        sign = int(rng.choice([-1, 1]))
        path = self.length_mm * compute_direction(detector, self.plane, theta, sign)
        name = f"A track of {self.length_mm:.0f} mm at {theta} degrees"
        start, time = place(detector, path, self.margin_mm, name, rng)
        position, step = divide_line(start, start + path, self.step_mm)
        depositions = Depositions.at_time(position, time, self.electrons_per_mm * step)
        facts = {"plane": self.plane.lower(), "theta_xz": theta, "theta_y": 90.0}
        track = {
            "kind": "line",
            "start": start.tolist(),
            "end": (start + path).tolist(),
            "t0": time,
            "length": self.length_mm,
            "e_per_mm": self.electrons_per_mm,
            **facts,
            "angles": plane_angles(detector, path),
        }
        return GeneratedEvent(depositions, [track], facts)
