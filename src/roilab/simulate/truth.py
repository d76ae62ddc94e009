"""The truth frame: charge as ideal signal processing would give it.

Every cloud of drifted electrons is added at its channel and tick, as wide as the software filters
of the signal processing make it, so that truth and deconvolved charge have the same shape. There
is no response and no noise. The toolkit's counterpart is ``DepoFluxSplat``.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.drift import Arrivals, add_clouds
from roilab.types import Frame


@dataclass(frozen=True)
class TruthSmearing:
    """Settings of ``conf/simulation/truth/smeared.yaml``, which documents every key."""

    smear_ticks: float
    smear_wires: tuple[float, float, float]

    def __call__(
        self, arrivals: Arrivals, detector: Detector, planes: Collection[int] = (0, 1, 2)
    ) -> list[Frame]:
        """Return the truth of U, V and W [electrons per tick], each of shape (channel, tick).

        That of planes other than ``planes`` has no channel.
        """
        frames = []
        for number, (plane, smear) in enumerate(
            zip(detector.planes, self.smear_wires, strict=True)
        ):
            if number not in planes:
                frames.append(np.zeros((0, detector.nticks), dtype=np.float32))
                continue
            frame = np.zeros((plane.channels, detector.nticks), dtype=np.float32)
            # Wire j collects from j - 1/2 to j + 1/2.
            across = plane.wire_number(arrivals.y, arrivals.z) + 0.5
            rows = across, np.hypot(arrivals.sigma_mm / plane.pitch_mm, smear)
            ticks = arrivals.tick, np.hypot(arrivals.sigma_tick, self.smear_ticks)
            add_clouds(frame, rows, ticks, arrivals.electrons, plane.wires)
            frames.append(frame)
        return frames
