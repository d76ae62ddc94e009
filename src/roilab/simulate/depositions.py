"""Ionisation electrons where they are freed, and the particles that freed them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from roilab.detectors.detector import PLANE_NAMES, Detector
from roilab.types import FloatArray, Mask, Row


@dataclass(frozen=True)
class Depositions:
    """Point-like groups of electrons."""

    position: FloatArray  # x, y and z [mm], shape (group, 3)
    time_ns: FloatArray  # shape (group,)
    electrons: FloatArray  # number of electrons, shape (group,)

    @classmethod
    def join(cls, parts: Sequence["Depositions"]) -> "Depositions":
        """Join several depositions into one."""
        if not parts:
            return cls(np.empty((0, 3)), np.empty(0), np.empty(0))
        return cls(
            np.concatenate([part.position for part in parts]),
            np.concatenate([part.time_ns for part in parts]),
            np.concatenate([part.electrons for part in parts]),
        )

    @classmethod
    def at_time(
        cls, position: FloatArray, time_ns: float, electrons: FloatArray | float
    ) -> "Depositions":
        """Return groups at one time; ``electrons`` may be one number for all groups."""
        count = len(position)
        return cls(position, np.full(count, time_ns), np.full(count, electrons, dtype=np.float64))

    def select(self, keep: Mask) -> "Depositions":
        """Return the groups where ``keep`` is true."""
        return Depositions(self.position[keep], self.time_ns[keep], self.electrons[keep])


@dataclass(frozen=True)
class GeneratedEvent:
    """Depositions of one event, and its entry in ``meta.json``."""

    depositions: Depositions
    tracks: list[Row] = field(default_factory=list)  # particles that freed the electrons
    facts: dict[str, Any] = field(default_factory=dict)  # further entries: plane, theta_xz, ...


# Called with the number of an event in the sample; one class for each kind of sample.
EventGenerator = Callable[[int, Detector, np.random.Generator], GeneratedEvent]


def divide_line(start: ArrayLike, end: ArrayLike, step_mm: float) -> tuple[FloatArray, float]:
    """Divide a straight line into equal steps of about ``step_mm``.

    Returns:
        Middles of the steps, shape (step, 3), and length of a step [mm].
    """
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    length = float(np.linalg.norm(end - start))
    steps = max(round(length / step_mm), 1)
    fraction = (np.arange(steps) + 0.5) / steps
    return start + fraction[:, None] * (end - start), length / steps


def plane_angles(detector: Detector, direction: ArrayLike) -> dict[str, dict[str, float]]:
    """Return the angles of a direction in each plane's coordinates, as in ``meta.json``."""
    planes = zip(PLANE_NAMES, detector.planes, strict=True)
    angles = {name: plane.angles(direction) for name, plane in planes}
    return {name: {"theta_xz": xz, "theta_y": y} for name, (xz, y) in angles.items()}
