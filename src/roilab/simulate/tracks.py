"""Ideal tracks: straight lines of constant charge at a given angle to a wire plane."""

from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions, Event, line, plane_angles
from roilab.simulate.errors import SimulationError
from roilab.simulate.placement import check_angle, direction_at, place


@dataclass(frozen=True)
class Tracks:
    """Generator of ideal track events, the angles taken in turn.

    Attributes:
        plane: wire plane in whose coordinates the angle is meant.
        theta_xz_deg: angles; event ``i`` has the one at ``i`` modulo their number.
        length_mm: length of the track.
        electrons_per_mm: charge.
        step_mm: length of track that one group of electrons stands for.
        margin_mm: distance kept from the borders of the drift volume.
    """

    plane: str
    theta_xz_deg: tuple[float, ...]
    length_mm: float
    electrons_per_mm: float
    step_mm: float
    margin_mm: float

    def __post_init__(self) -> None:
        if not self.theta_xz_deg:
            raise SimulationError("theta_xz_deg is empty: expected at least one angle.")
        for angle in self.theta_xz_deg:
            check_angle(angle)
        if min(self.length_mm, self.electrons_per_mm, self.step_mm) <= 0:
            raise SimulationError(
                f"A track of {self.length_mm} mm and {self.electrons_per_mm} e/mm in steps of "
                f"{self.step_mm} mm; expected more than 0 of each."
            )

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> Event:
        """Event ``index``."""
        theta = self.theta_xz_deg[index % len(self.theta_xz_deg)]
        sign = int(rng.choice([-1, 1]))
        way = self.length_mm * direction_at(detector, self.plane, theta, sign)
        what = f"A track of {self.length_mm:.0f} mm at {theta} degrees"
        start, time = place(detector, np.stack([0 * way, way]), self.margin_mm, what, rng)
        position, step = line(start, start + way, self.step_mm)
        steps = len(position)
        charge = np.full(steps, self.electrons_per_mm * step)
        facts = {"plane": self.plane.lower(), "theta_xz": theta, "theta_y": 90.0}
        track = {
            "kind": "line",
            "start": start.tolist(),
            "end": (start + way).tolist(),
            "t0": time,
            "length": self.length_mm,
            "e_per_mm": self.electrons_per_mm,
            **facts,
            "angles": plane_angles(detector, way),
        }
        return Event(Depositions(position, np.full(steps, time), charge), [track], facts)
