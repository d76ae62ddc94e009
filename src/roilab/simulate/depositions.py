"""Ionisation electrons as they are freed, and the record of what freed them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roilab.detectors.detector import PLANE_NAMES, Detector

Array = NDArray[np.float64]
Track = dict[str, Any]


@dataclass(frozen=True)
class Depositions:
    """Point-like groups of electrons.

    Attributes:
        position: shape (group, 3), x, y and z [mm].
        time_ns: shape (group,).
        electrons: shape (group,).
    """

    position: Array
    time_ns: Array
    electrons: Array

    @classmethod
    def join(cls, parts: Sequence["Depositions"]) -> "Depositions":
        """Several depositions as one."""
        if not parts:
            return cls(np.empty((0, 3)), np.empty(0), np.empty(0))
        return cls(
            np.concatenate([part.position for part in parts]),
            np.concatenate([part.time_ns for part in parts]),
            np.concatenate([part.electrons for part in parts]),
        )

    def select(self, keep: NDArray[np.bool_]) -> "Depositions":
        """The groups marked in ``keep``."""
        return Depositions(self.position[keep], self.time_ns[keep], self.electrons[keep])


@dataclass(frozen=True)
class Event:
    """What happened in one event.

    Attributes:
        depositions: the electrons.
        tracks: what freed them, as ``meta.json`` tells it.
        facts: further entries of the event in ``meta.json`` (``plane``, ``theta_xz``, ...).
    """

    depositions: Depositions
    tracks: list[Track] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class Generator(Protocol):
    """Makes events; one class per kind of sample."""

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> Event:
        """Make event number ``index`` of the sample."""


def line(start: ArrayLike, end: ArrayLike, step_mm: float) -> tuple[Array, float]:
    """Middles of equal steps along a straight line, shape (step, 3), and their length [mm]."""
    start, end = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    length = float(np.linalg.norm(end - start))
    steps = max(round(length / step_mm), 1)
    fraction = (np.arange(steps) + 0.5) / steps
    return start + fraction[:, None] * (end - start), length / steps


def plane_angles(detector: Detector, direction: ArrayLike) -> dict[str, dict[str, float]]:
    """Angles of a direction in the coordinates of every plane, as ``meta.json`` holds them."""
    named = zip(PLANE_NAMES, detector.planes, strict=True)
    angles = {name: plane.angles(direction) for name, plane in named}
    return {name: {"theta_xz": xz, "theta_y": y} for name, (xz, y) in angles.items()}
