"""Variations of the detector: what if it is not as the signal processing assumes?

A variation changes the simulated detector. The signal processing keeps the nominal response and
gain, as it does for data of a detector that is known imperfectly.
"""

from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions, GeneratedEvent
from roilab.simulate.errors import SimulationError
from roilab.simulate.noise import Noise
from roilab.simulate.response import Response
from roilab.simulate.signal_processing import COLLECTION_PLANE
from roilab.types import Mask


@dataclass(frozen=True)
class Variation:
    """Factors on the numbers of the nominal detector; 1 changes nothing.

    Settings of ``conf/simulation/variation/none.yaml``, which documents every key.
    """

    noise: float
    coherent_adc: float
    gain: float
    induction: float
    bias: float
    lifetime: float
    diffusion: float
    recombination: float
    dead_channels: float

    def __post_init__(self) -> None:
        may_be_0 = ("noise", "coherent_adc", "diffusion", "dead_channels")
        for name, value in asdict(self).items():
            if value < 0 or (value == 0 and name not in may_be_0):
                limit = "0 or more" if name in may_be_0 else "more than 0"
                raise SimulationError(f"variation.{name} is {value}: expected {limit}.")
        if self.dead_channels > 1:
            raise SimulationError(
                f"variation.dead_channels is {self.dead_channels}: expected a fraction of the "
                "channels, at most 1."
            )

    @property
    def changes(self) -> dict[str, float]:
        """The keys that change the nominal detector."""
        factors = {f.name for f in fields(self)} - {"coherent_adc", "dead_channels"}
        return {k: v for k, v in asdict(self).items() if v != (1.0 if k in factors else 0.0)}

    def vary_event(self, event: GeneratedEvent) -> GeneratedEvent:
        """Return the event with another part of the electrons left after recombination."""
        if self.recombination == 1:
            return event
        charge, factor = event.depositions, self.recombination
        depositions = Depositions(charge.position, charge.time_ns, factor * charge.electrons)
        tracks = [
            {key: factor * v if key.startswith("e_per_mm") else v for key, v in track.items()}
            for track in event.tracks
        ]
        return GeneratedEvent(depositions, tracks, event.facts)

    def vary_detector(self, detector: Detector) -> Detector:
        """Return the detector with its actual lifetime and diffusion."""
        return replace(
            detector,
            lifetime_ms=self.lifetime * detector.lifetime_ms,
            diffusion_long_cm2_per_s=self.diffusion * detector.diffusion_long_cm2_per_s,
            diffusion_tran_cm2_per_s=self.diffusion * detector.diffusion_tran_cm2_per_s,
        )

    def vary_response(self, response: Response) -> Response:
        """Return the response with the actual voltages of the wire planes."""
        volts = tuple(self.bias * voltage for voltage in response.field.bias_volts)
        return replace(response, field=replace(response.field, bias_volts=volts))

    def vary_noise(self, noise: Noise) -> Noise:
        """Return the noise; the amplifier's gain does not change the digitiser's white floor."""
        u, v, w = (self.noise * scale for scale in noise.scale)
        return replace(
            noise,
            scale=(u, v, w),
            parallel_adc=self.gain * noise.parallel_adc,
            series_adc_per_mhz=self.gain * noise.series_adc_per_mhz,
            coherent_adc=self.gain * float(np.hypot(noise.coherent_adc, self.coherent_adc)),
        )

    def signal_factor(self, plane_index: int) -> float:
        """Return the factor on the signals [ADC counts] of U, V or W."""
        return self.gain * (1.0 if plane_index == COLLECTION_PLANE else self.induction)

    def draw_dead_channels(self, plane_index: int, channels: int, seed: int) -> Mask:
        """Draw the channels (channel,) of U, V or W without signal, the same in all events."""
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(plane_index, 2)))
        dead = np.zeros(channels, dtype=bool)
        dead[rng.permutation(channels)[: round(self.dead_channels * channels)]] = True
        return dead
