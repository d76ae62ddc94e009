"""The truth frame: where the charge is, as ideal signal processing would show it.

Every cloud of drifted electrons is placed at its channel and tick and widened by the smearing
that the software filters of the signal processing bring, so that truth and deconvolved charge
have one shape; no response, no noise. The toolkit's counterpart is ``DepoFluxSplat``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.simulate.drift import Arrivals, spread


@dataclass(frozen=True)
class Truth:
    """How the truth charge is smeared beyond diffusion.

    Attributes:
        smear_ticks: width added in time [ticks].
        smear_wires: width added across, one per plane [wires].
    """

    smear_ticks: float
    smear_wires: tuple[float, float, float]

    def __call__(self, arrivals: Arrivals, detector: Detector) -> list[NDArray[np.float32]]:
        """Truth charge of U, V and W [electrons per tick], each of shape (channel, tick)."""
        frames = []
        for plane, smear in zip(detector.planes, self.smear_wires, strict=True):
            frame = np.zeros((plane.channels, detector.nticks), dtype=np.float32)
            sigma = np.hypot(arrivals.sigma_mm / plane.pitch_mm, smear)
            # Wire j collects from j - 1/2 to j + 1/2.
            across = plane.wire_number(arrivals.y, arrivals.z) + 0.5
            along = np.hypot(arrivals.sigma_tick, self.smear_ticks)
            spread(frame, (across, sigma), (arrivals.tick, along), arrivals.electrons, plane.wires)
            frames.append(frame)
        return frames
