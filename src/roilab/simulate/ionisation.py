"""Charge that particles leave in liquid argon: muon tracks and short electron tracks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from roilab.simulate.depositions import Depositions, divide_line
from roilab.simulate.errors import SimulationError
from roilab.types import FloatArray

# Most probable value of the Landau distribution in its standard variable.
_LANDAU_MODE = -0.22278


@dataclass(frozen=True)
class Ionisation:
    """Charge per length and per energy, and its fluctuation.

    Settings of ``conf/simulation/generator/ionisation.yaml``, which documents every key.
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
                f"ionisation: step_mm is {self.step_mm}, electrons_per_mm {self.electrons_per_mm} "
                f"and electrons_per_mev {self.electrons_per_mev}: expected more than 0 for each."
            )

    def deposit_muon(
        self, start: ArrayLike, end: ArrayLike, time_ns: float, rng: np.random.Generator
    ) -> tuple[Depositions, float]:
        """Deposit the charge of a minimum-ionising track with Landau fluctuation.

        Returns:
            Depositions, and the most probable charge of this track [electrons/mm].
        """
        position, step = divide_line(start, end, self.step_mm)
        probable = self.electrons_per_mm + self.electrons_per_mm_spread * rng.uniform(-1, 1)
        width = self.landau_electrons_per_mm * step
        charge = probable * step + width * (draw_landau(len(position), rng) - _LANDAU_MODE)
        charge = np.clip(charge, 0, self.largest_mev * self.electrons_per_mev)
        return Depositions.at_time(position, time_ns, charge), probable

    def deposit_electron(
        self, start: ArrayLike, energy_mev: float, time_ns: float, rng: np.random.Generator
    ) -> Depositions:
        """Deposit the charge of a slow electron: a random walk of single steps."""
        length = energy_mev / self.electron_mev_per_mm
        steps = max(round(length / self.step_mm), 1)
        turns = rng.normal(size=(steps, 3))
        heading = np.cumsum(turns, axis=0)
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        position = np.asarray(start) + np.cumsum(heading * length / steps, axis=0)
        return Depositions.at_time(position, time_ns, energy_mev * self.electrons_per_mev / steps)


def draw_landau(number: int, rng: np.random.Generator) -> FloatArray:
    """Draw random numbers of the Landau distribution, shape (number,).

    The Landau distribution is the stable distribution of index 1 and skewness 1: J. Chambers,
    C. Mallows, B. Stuck, J. Am. Stat. Assoc. 71 (1976) 340, equation 2.4.
    """
    angle = rng.uniform(-np.pi / 2, np.pi / 2, number)
    exponential = rng.exponential(size=number)
    shifted = np.pi / 2 + angle
    stable = shifted * np.tan(angle) - np.log(np.pi / 2 * exponential * np.cos(angle) / shifted)
    return np.asarray(stable + np.log(np.pi / 2))
