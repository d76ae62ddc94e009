"""One event from depositions to frames."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
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
from roilab.simulate.request import EVERYTHING, Request
from roilab.simulate.response import Response
from roilab.simulate.roi import CandidateRois, RoiFinder, apply_rois
from roilab.simulate.signal_processing import COLLECTION_PLANE, SignalProcessing
from roilab.simulate.truth import TruthSmearing
from roilab.simulate.variation import Variation
from roilab.types import Frame

FramesByTag = dict[str, NDArray[Any]]


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
    variation: Variation

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
        event = self.generator(index, self.detector, self._make_rng(index, seed, 0))
        return self.variation.vary_event(event)

    @cached_property
    def actual_detector(self) -> Detector:
        """The detector with its variation; the signal processing knows the nominal one."""
        return self.variation.vary_detector(self.detector)

    @cached_property
    def actual_response(self) -> Response:
        """The response with its variation; the signal processing knows the nominal one."""
        return self.variation.vary_response(self.response)

    @cached_property
    def actual_noise(self) -> Noise:
        """The noise of the detector, with its variation."""
        detector, response = self.detector, self.response
        counts = response.counts_per_electron
        rms = [counts * electrons for electrons in detector.electronics.noise_electrons]
        clock = (detector.nticks, detector.tick_ns, response.peaking_us)
        return self.variation.vary_noise(self.noise.scaled(rms, *clock))

    def simulate(
        self, event: GeneratedEvent, index: int, seed: int, request: Request = EVERYTHING
    ) -> tuple[dict[int, FramesByTag], dict[int, Frame]]:
        """Return the frames of an event by plane and tag, and its truth by plane.

        See ``simulate_frames`` and ``simulate_truth``.
        """
        frames = self.simulate_frames(event, index, seed, request)
        return frames, self.simulate_truth(event, request)

    def simulate_truth(
        self, event: GeneratedEvent, request: Request = EVERYTHING
    ) -> dict[int, Frame]:
        """Return the truth of an event by plane (0 U, 1 V, 2 W), each (channel, tick)."""
        arrivals = self._drift(event)
        return {p: self.truth(arrivals, self.detector, p) for p in request.planes}

    def _drift(self, event: GeneratedEvent) -> Arrivals:
        return drift_electrons(event.depositions, self.actual_detector, self.response.delay_us)

    def simulate_frames(
        self, event: GeneratedEvent, index: int, seed: int, request: Request = EVERYTHING
    ) -> dict[int, FramesByTag]:
        """Return the frames of an event by plane (0 U, 1 V, 2 W) and tag, each (channel, tick).

        ``mp2_roi`` and ``mp3_roi`` are masks, which need a quarter of the memory; ``round_samples``
        makes frames of them. Beside ``wiener``, ``wiener_summary`` (channel,) is the noise RMS by
        which its ROIs were found [electrons], the summary of that tag in the toolkit.
        """
        frames: dict[int, FramesByTag] = {}
        candidates: dict[int, CandidateRois] = {}
        for plane, adc in self._simulate_planes(event, request, index, seed):
            frames[plane], found = self._process(adc, plane, request)
            if found is not None:
                candidates[plane] = found
            del adc, found
        if request.coincidence:
            masks = self.coincidence(candidates, self.detector, request.planes)
            for plane, (mp2, mp3) in masks.items():
                frames[plane] |= {"mp2_roi": mp2, "mp3_roi": mp3}
        wanted = {p: {tag: frames[p][tag] for tag in request.tags} for p in request.planes}
        if "wiener" in request.tags:
            for p in request.planes:
                wanted[p]["wiener_summary"] = candidates[p].rms
        return wanted

    def _process(
        self, adc: NDArray[np.int16], plane: int, request: Request
    ) -> tuple[FramesByTag, CandidateRois | None]:
        """Return the frames of a plane that are asked for, and its candidates if needed.

        The rest is freed: a frame of the largest detector takes 0.3 GB.
        """
        raw, names = self.processing.filter_noise(adc), request.deconvolved_frames(plane)
        decon = self.processing.deconvolve(raw, plane, self.detector, self.response, names)
        candidates = None
        if request.needs_rois(plane):
            candidates = self.roi.find_candidates(decon, plane)
            decon.pop("tighter_lf")
        made: FramesByTag = {"orig": adc, "raw": raw, **decon}
        if candidates is not None and plane in request.planes and request.needs_charge:
            made |= self._find_charge(candidates, decon, plane, request)
        tags = request.tags if plane in request.planes else ()
        return {tag: made[tag] for tag in tags if tag in made}, candidates

    def _find_charge(
        self, candidates: CandidateRois, decon: FramesByTag, plane: int, request: Request
    ) -> FramesByTag:
        """Return the frames ``gauss`` and ``wiener`` of a plane, charge inside refined ROIs."""
        rois, induction = self.roi.refine(candidates, decon, plane), plane != COLLECTION_PLANE
        names = {"gauss": "decon_charge", "wiener": "hits"}
        return {
            tag: apply_rois(rois, decon[name], induction)
            for tag, name in names.items()
            if tag in request.tags
        }

    def _simulate_planes(
        self, event: GeneratedEvent, request: Request, index: int, seed: int
    ) -> Iterator[tuple[int, NDArray[np.int16]]]:
        """Yield the needed planes, each with its ADC counts, (channel, tick)."""
        arrivals, rng = self._drift(event), self._make_rng(index, seed, 1)
        clock = self.detector.tick_ns, self.response.peaking_us
        for plane in range(max(request.needed_planes) + 1):
            # Drawn for a plane that is not needed, too: the numbers of later planes stay the same.
            shape = (self.detector.planes[plane].channels, self.detector.nticks)
            noise = self.actual_noise.generate(plane, shape, *clock, rng)
            if plane in request.needed_planes:
                adc = self._simulate_adc(arrivals, plane, noise, seed)
                del noise  # a large frame
                yield plane, adc
                del adc

    def _simulate_adc(
        self, arrivals: Arrivals, plane: int, noise: Frame, seed: int
    ) -> NDArray[np.int16]:
        """Simulate the ADC counts of one plane, (channel, tick)."""
        waveforms = self.actual_response.compute_signal(arrivals, self.detector, plane)
        waveforms *= np.float32(self.variation.signal_factor(plane))
        waveforms += noise
        waveforms[self.variation.draw_dead_channels(plane, len(waveforms), seed)] = 0
        return self.response.digitise(waveforms, plane)

    @staticmethod
    def _make_rng(index: int, seed: int, purpose: int) -> np.random.Generator:
        """Make the random numbers of one event for depositions (purpose 0) or noise (1)."""
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, purpose)))
