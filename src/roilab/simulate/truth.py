"""The truth frame: charge as ideal signal processing would give it.

Every cloud of drifted electrons is added at its channel and tick, as wide as the software filters
of the signal processing make it, so that truth and deconvolved charge have the same shape. There
is no response and no noise. The toolkit's counterpart is ``DepoFluxSplat``.
"""

from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.drift import Arrivals, add_clouds
from roilab.types import Frame


@dataclass(frozen=True)
class TruthSmearing:
    """Settings of ``conf/simulation/truth/smeared.yaml``, which documents every key."""

    smear_us: float
    smear_wires: tuple[float, float, float]

    def __call__(self, arrivals: Arrivals, detector: Detector, plane_index: int) -> Frame:
        """Return the truth of a plane (0 U, 1 V, 2 W) [electrons per tick], (channel, tick)."""
        plane, wires = detector.planes[plane_index], self.smear_wires[plane_index]
        frame = np.zeros((plane.channels, detector.nticks), dtype=np.float32)
        # Wire j collects from j - 1/2 to j + 1/2.
        across = plane.wire_number(arrivals.y, arrivals.z) + 0.5
        rows = across, np.hypot(arrivals.sigma_mm / plane.pitch_mm, wires)
        smear = 1e3 * self.smear_us / detector.tick_ns
        ticks = arrivals.tick, np.hypot(arrivals.sigma_tick, smear)
        add_clouds(frame, rows, ticks, arrivals.electrons, plane.wires)
        return frame
