"""One event from depositions to frames."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.building import build
from roilab.detectors.detector import Detector
from roilab.simulate.coincidence import Coincidence
from roilab.simulate.depositions import EventGenerator, GeneratedEvent
from roilab.simulate.drift import Arrivals, drift_electrons
from roilab.simulate.errors import SimulationError
from roilab.simulate.noise import Noise
from roilab.simulate.response import Response
from roilab.simulate.roi import CandidateRois, RoiFinder, apply_rois
from roilab.simulate.signal_processing import COLLECTION_PLANE, SignalProcessing
from roilab.simulate.truth import TruthSmearing
from roilab.types import Frame

FramesByTag = dict[str, NDArray[Any]]

RECONSTRUCTION_TAGS = (
    *("orig", "raw", "decon_charge", "loose_lf", "tight_lf"),
    *("mp2_roi", "mp3_roi", "gauss", "wiener"),
)


@dataclass(frozen=True)
class Simulation:
    """Stages of the simulation: the groups of ``conf/simulation``, and the detector."""

    generator: EventGenerator
    detector: Detector
    response: Response
    noise: Noise
    truth: TruthSmearing
    processing: SignalProcessing
    roi: RoiFinder
    coincidence: Coincidence

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Simulation":
        """Instantiate the stages from the configuration group ``simulation``.

        Raises:
            SimulationError: a stage is missing, or a setting cannot be used.
            RoilabError: (another of its subclasses) a setting of the detector cannot be used.
        """
        stages = {}
        for name in cls.__dataclass_fields__:
            if name not in config:
                raise SimulationError(
                    f"The configuration of the simulation has no '{name}': compose it from the "
                    "group simulation, as conf/simulate.yaml does."
                )
            stages[name] = build(f"simulation.{name}", config[name])
        return cls(**stages)

    def generate(self, index: int, seed: int) -> GeneratedEvent:
        """Generate the depositions of event ``index``, the same in every process and order."""
        return self.generator(index, self.detector, self._make_rng(index, seed, 0))

    def simulate(
        self,
        event: GeneratedEvent,
        index: int,
        seed: int,
        planes: Collection[int] = (0, 1, 2),
    ) -> tuple[list[FramesByTag], list[Frame]]:
        """Return the frames of U, V and W by tag, and their truth; each array (channel, tick).

        Of planes other than ``planes`` only what the others need is computed: their frames lack
        charge, and their truth has no channel.
        """
        arrivals = drift_electrons(event.depositions, self.detector, self.response.delay_us)
        rng = self._make_rng(index, seed, 1)
        frames: list[FramesByTag] = []
        decons: list[dict[str, Frame]] = []
        candidates: list[CandidateRois] = []
        for plane in range(3):
            adc = self._simulate_adc(arrivals, plane, rng)
            raw = self.processing.filter_noise(adc)
            where = plane, self.detector, self.response
            decon = self.processing.deconvolve(raw, *where, charge=plane in planes)
            frames.append({"orig": adc, "raw": raw})
            decons.append(decon)
            candidates.append(self.roi.find_candidates(decon, plane))
        for plane, (mp2, mp3) in enumerate(self.coincidence(candidates, self.detector)):
            decon, induction = decons[plane], plane != COLLECTION_PLANE
            frames[plane] |= {"mp2_roi": mp2, "mp3_roi": mp3}
            frames[plane] |= {tag: decon[tag] for tag in ("loose_lf", "tight_lf")}
            if plane in planes:
                rois = self.roi.refine(candidates[plane], decon, plane)
                frames[plane]["decon_charge"] = decon["decon_charge"]
                frames[plane]["gauss"] = apply_rois(rois, decon["decon_charge"], induction)
                frames[plane]["wiener"] = apply_rois(rois, decon["hits"], induction)
        return frames, self.truth(arrivals, self.detector, planes)

    def _simulate_adc(
        self, arrivals: Arrivals, plane: int, rng: np.random.Generator
    ) -> NDArray[np.int16]:
        """Simulate the ADC counts of one plane, (channel, tick)."""
        waveforms = self.response.compute_signal(arrivals, self.detector, plane)
        tick_ns, peaking_us = self.detector.tick_ns, self.response.peaking_us
        waveforms += self.noise.generate(plane, waveforms.shape, tick_ns, peaking_us, rng)
        return self.response.digitise(waveforms, plane)

    @staticmethod
    def _make_rng(index: int, seed: int, purpose: int) -> np.random.Generator:
        """Make the random numbers of one event for depositions (purpose 0) or noise (1)."""
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, purpose)))
