"""Charge of an electromagnetic shower in liquid argon.

A cascade is drawn as many short electron tracks: a single track at the start, then many along and
around the axis. Their depth follows the gamma distribution, their distance from the axis the
Moliere radius (Review of Particle Physics, "Passage of particles through matter", section 34.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from roilab.simulate.depositions import Depositions, divide_line
from roilab.simulate.errors import SimulationError
from roilab.simulate.ionisation import Ionisation
from roilab.types import FloatArray

_LARGEST_MEV = 1e5


@dataclass(frozen=True)
class Cascade:
    """Form of the showers of electrons.

    Settings of ``conf/simulation/generator/cascade.yaml``, which documents every key.
    """

    ionisation: Ionisation
    radiation_length_mm: float
    critical_mev: float
    moliere_mm: float
    shape: float
    branch_mev: float

    def check_energies(self, energy_mev: Sequence[float]) -> None:
        """Check that there are energies, all of them of electrons that develop a shower.

        Raises:
            SimulationError: there is none, or one is not above the critical energy, or too large.
        """
        if not energy_mev:
            raise SimulationError("energy_mev is empty: expected at least one energy.")
        for energy in energy_mev:
            if not self.critical_mev < energy <= _LARGEST_MEV:
                raise SimulationError(
                    f"energy_mev has {energy}: expected more than the critical energy of "
                    f"{self.critical_mev} MeV, below which no shower develops, and at most "
                    f"{_LARGEST_MEV:g}."
                )

    def deposit(
        self,
        vertex: FloatArray,
        axis: FloatArray,
        energy_mev: float,
        time_ns: float,
        rng: np.random.Generator,
    ) -> Depositions:
        """Deposit the charge of a shower from ``vertex`` along the unit vector ``axis``."""
        per_mm = self.ionisation.electron_mev_per_mm
        stem_mm = min(rng.exponential(self.radiation_length_mm), 0.5 * energy_mev / per_mm)
        segments = [(vertex, vertex + stem_mm * axis, stem_mm * per_mm)]
        branches = self._draw_branch_energies(energy_mev - stem_mm * per_mm, rng)
        peak = max(np.log(energy_mev / self.critical_mev) - 0.5, 0.5)
        depth = self.radiation_length_mm * rng.gamma(
            1 + self.shape * peak, 1 / self.shape, len(branches)
        )
        across = np.linalg.svd(axis[None])[2][1:]
        radius = self._draw_radius(depth, rng)
        phi = rng.uniform(0, 2 * np.pi, len(branches))
        offset = np.cos(phi)[:, None] * across[0] + np.sin(phi)[:, None] * across[1]
        # Far from the axis, tracks point more away from it.
        heading = axis + (radius / self.moliere_mm)[:, None] * offset
        heading += rng.normal(scale=0.3, size=heading.shape)
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        begin = vertex + depth[:, None] * axis + radius[:, None] * offset
        end = begin + (branches / per_mm)[:, None] * heading
        segments.extend(zip(begin, end, branches, strict=True))
        return Depositions.join([self._deposit_segment(*part, time_ns) for part in segments])

    def _draw_branch_energies(self, energy_mev: float, rng: np.random.Generator) -> FloatArray:
        """Draw exponential energies of the cascade's tracks, with sum ``energy_mev``."""
        energies = rng.exponential(self.branch_mev, max(round(energy_mev / self.branch_mev), 1))
        return np.asarray(energies * energy_mev / energies.sum())

    def _draw_radius(self, depth: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw distances from the axis: 90% within the Moliere radius, less at small depth."""
        # r^2 / (r^2 + R^2) is uniform; at 0.9 it gives r = 3 R.
        share = rng.uniform(0, 0.98, len(depth))
        core = self.moliere_mm / 3 * np.minimum(depth / (4 * self.radiation_length_mm), 1)
        return np.asarray(core * np.sqrt(share / (1 - share)))

    def _deposit_segment(
        self, begin: FloatArray, end: FloatArray, energy_mev: float, time_ns: float
    ) -> Depositions:
        """Deposit an energy evenly along a straight line."""
        position, _ = divide_line(begin, end, self.ionisation.step_mm)
        electrons = energy_mev * self.ionisation.electrons_per_mev / len(position)
        return Depositions.at_time(position, time_ns, electrons)
