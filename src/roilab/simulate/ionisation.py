"""Charge that particles leave in liquid argon: minimum-ionising lines and short electron tracks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roilab.simulate.depositions import Depositions, line
from roilab.simulate.errors import SimulationError

Array = NDArray[np.float64]

# Most probable value of the Landau distribution in its own variable.
_LANDAU_MODE = -0.22278


@dataclass(frozen=True)
class Ionisation:
    """How much charge is freed and how it fluctuates.

    Attributes:
        step_mm: length of track that one group of electrons stands for.
        electrons_per_mm: most probable charge of a minimum-ionising particle, after
            recombination.
        electrons_per_mm_spread: spread of that from track to track.
        landau_electrons_per_mm: width of the Landau fluctuation, the ``xi`` of a step.
        largest_mev: largest loss in a step; what is above makes a delta ray of its own.
        electrons_per_mev: charge freed per energy, after recombination.
        electron_mev_per_mm: mean energy loss of an electron.
    """

    step_mm: float
    electrons_per_mm: float
    electrons_per_mm_spread: float
    landau_electrons_per_mm: float
    largest_mev: float
    electrons_per_mev: float
    electron_mev_per_mm: float

    def __post_init__(self) -> None:
        if min(self.step_mm, self.electrons_per_mm, self.electrons_per_mev) <= 0:
            raise SimulationError(
                f"ionisation: step_mm {self.step_mm}, electrons_per_mm {self.electrons_per_mm} and "
                f"electrons_per_mev {self.electrons_per_mev}; expected more than 0."
            )

    def muon(
        self, start: ArrayLike, end: ArrayLike, time_ns: float, rng: np.random.Generator
    ) -> tuple[Depositions, float]:
        """A minimum-ionising track with Landau fluctuation, and its most probable charge per mm."""
        position, step = line(start, end, self.step_mm)
        probable = self.electrons_per_mm + self.electrons_per_mm_spread * rng.uniform(-1, 1)
        width = self.landau_electrons_per_mm * step
        charge = probable * step + width * (landau(len(position), rng) - _LANDAU_MODE)
        charge = np.clip(charge, 0, self.largest_mev * self.electrons_per_mev)
        return Depositions(position, np.full(len(position), time_ns), charge), probable

    def electron(
        self, start: ArrayLike, energy_mev: float, time_ns: float, rng: np.random.Generator
    ) -> Depositions:
        """A slow electron: a walk of single steps that soon forgets its direction."""
        length = energy_mev / self.electron_mev_per_mm
        steps = max(round(length / self.step_mm), 1)
        turns = rng.normal(size=(steps, 3))
        heading = np.cumsum(turns, axis=0)
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        position = np.asarray(start) + np.cumsum(heading * length / steps, axis=0)
        charge = np.full(steps, energy_mev * self.electrons_per_mev / steps)
        return Depositions(position, np.full(steps, time_ns), charge)


def landau(number: int, rng: np.random.Generator) -> Array:
    """Numbers that follow the Landau distribution.

    It is the stable distribution of index 1 and skewness 1: J. Chambers, C. Mallows, B. Stuck,
    J. Am. Stat. Assoc. 71 (1976) 340, equation 2.4.
    """
    angle = rng.uniform(-np.pi / 2, np.pi / 2, number)
    waiting = rng.exponential(size=number)
    lean = np.pi / 2 + angle
    stable = lean * np.tan(angle) - np.log(np.pi / 2 * waiting * np.cos(angle) / lean)
    return np.asarray(stable + np.log(np.pi / 2))


def isotropic(rng: np.random.Generator) -> Array:
    """A direction, uniform on the sphere."""
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))
