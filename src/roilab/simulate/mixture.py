"""A mixture of events of several kinds: one sample to train on muons, showers and blips."""

from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions, EventGenerator, GeneratedEvent
from roilab.simulate.errors import SimulationError

# Multiples of the golden ratio, modulo 1, fill the interval from 0 to 1 evenly from the start: a
# few events already have the shares of the sample, unlike independent random numbers.
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Mixture:
    """Generator of events of several kinds, each made by several generators.

    Settings of ``conf/simulation/generator/mixture.yaml``, which documents every key.
    """

    shares: dict[str, float]
    kinds: dict[str, dict[str, EventGenerator]]

    def __post_init__(self) -> None:
        if self.shares.keys() != self.kinds.keys():
            raise SimulationError(
                f"shares has {', '.join(self.shares) or 'nothing'}: expected a number for each of "
                f"{', '.join(self.kinds)}; 0 leaves a kind out."
            )
        shares = self.shares.values()
        if min(shares, default=0) < 0 or not sum(shares) > 0:
            raise SimulationError(
                f"shares is {self.shares}: expected numbers of 0 or more, one of them above 0."
            )

    def choose_kind(self, index: int) -> str:
        """Return the kind of event ``index``; every number of events has nearly the shares."""
        kinds = [kind for kind, share in self.shares.items() if share > 0]
        limits = np.cumsum([self.shares[kind] for kind in kinds])
        position = index * _GOLDEN % 1.0 * limits[-1]
        return kinds[int(np.searchsorted(limits[:-1], position, side="right"))]

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> GeneratedEvent:
        """Generate event ``index`` with all generators of its kind."""
        kind = self.choose_kind(index)
        parts = [make(index, detector, rng) for make in self.kinds[kind].values()]
        return GeneratedEvent(
            Depositions.join([part.depositions for part in parts]),
            [track for part in parts for track in part.tracks],
            {"kind": kind},
        )
