"""One event from depositions to frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.errors import RoilabError
from roilab.simulate.coincidence import Coincidence
from roilab.simulate.depositions import Event, Generator
from roilab.simulate.drift import Arrivals, drift
from roilab.simulate.errors import SimulationError
from roilab.simulate.noise import Noise
from roilab.simulate.response import Response
from roilab.simulate.roi import Candidates, RoiFinder, charge_inside
from roilab.simulate.signal_processing import SignalProcessing
from roilab.simulate.truth import Truth

Plane = NDArray[Any]

RECONSTRUCTION_TAGS = (
    "orig",
    "raw",
    "decon_charge",
    "loose_lf",
    "tight_lf",
    "mp2_roi",
    "mp3_roi",
    "gauss",
    "wiener",
)
_COLLECTION = 2


@dataclass(frozen=True)
class Simulation:
    """Everything that turns an event number into frames.

    Attributes:
        generator: depositions.
        detector: geometry, liquid and clock.
        response: field response and electronics.
        noise: electronics noise.
        truth: smearing of the truth.
        processing: signal processing.
        roi: classical ROI finder.
        coincidence: multi-plane coincidence.
    """

    generator: Generator
    detector: Detector
    response: Response
    noise: Noise
    truth: Truth
    processing: SignalProcessing
    roi: RoiFinder
    coincidence: Coincidence

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Simulation":
        """Build it from a configuration of the group ``simulation``.

        Raises:
            SimulationError: a number in it makes no sense.
        """
        parts = {}
        for name in cls.__dataclass_fields__:
            if name not in config:
                raise SimulationError(
                    f"The simulation's configuration has no '{name}'; compose it from the group "
                    "simulation, as conf/simulate.yaml does."
                )
            try:
                parts[name] = instantiate(config[name], _convert_="all")
            except InstantiationException as error:
                if isinstance(error.__cause__, RoilabError):
                    raise error.__cause__ from error
                raise
        return cls(**parts)

    def generate(self, index: int, seed: int) -> Event:
        """The depositions of event ``index``: the same in whatever process and order."""
        return self.generator(index, self.detector, self._rng(index, seed, 0))

    def frames(
        self, event: Event, index: int, seed: int
    ) -> tuple[list[dict[str, Plane]], list[Plane]]:
        """Simulate an event.

        Args:
            event: what happened.
            index: number of the event in the sample.
            seed: seed of the sample.

        Returns:
            For U, V and W the frames of the reconstruction by tag, and the truth; each array of
            shape (channel, tick).
        """
        arrivals = drift(event.depositions, self.detector, self.response.delay_us)
        rng = self._rng(index, seed, 1)
        planes: list[dict[str, Plane]] = []
        decons: list[dict[str, Plane]] = []
        found: list[Candidates] = []
        for plane in range(3):
            adc = self._measure(arrivals, plane, rng)
            raw = self.processing.noise_filter(adc)
            decon = self.processing.deconvolve(raw, plane, self.detector, self.response)
            planes.append({"orig": adc, "raw": raw})
            decons.append(decon)
            found.append(self.roi.candidates(decon, plane))
        marks = self.coincidence((found[0], found[1], found[2]), self.detector)
        for plane, frames in enumerate(planes):
            decon, (mp2, mp3) = decons[plane], marks[plane]
            regions = self.roi.regions(found[plane], decon, plane)
            level = plane != _COLLECTION
            frames |= {tag: decon[tag] for tag in ("decon_charge", "loose_lf", "tight_lf")}
            frames |= {"mp2_roi": mp2, "mp3_roi": mp3}
            frames["gauss"] = charge_inside(regions, decon["decon_charge"], level)
            frames["wiener"] = charge_inside(regions, decon["hits"], level)
        return planes, self.truth(arrivals, self.detector)

    def _measure(
        self, arrivals: Arrivals, plane: int, rng: np.random.Generator
    ) -> NDArray[np.int16]:
        """ADC counts of one plane, (channel, tick)."""
        signal = self.response.signal(arrivals, self.detector, plane)
        tick_ns, peaking_us = self.detector.tick_ns, self.response.peaking_us
        signal += self.noise.waveforms(plane, signal.shape, tick_ns, peaking_us, rng)
        return self.response.digitise(signal, plane)

    @staticmethod
    def _rng(index: int, seed: int, purpose: int) -> np.random.Generator:
        """Random numbers of one event: depositions (purpose 0) or noise (1)."""
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, purpose)))
