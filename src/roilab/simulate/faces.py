"""The faces of an anode plane assembly (APA): which channel reads a wire there?

The simulation has charge on one face only. Where U and V wires wrap around the APA, their channels
read the other face too, and so does a part of the W channels, with nothing but noise.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from roilab.detectors.detector import Detector, WirePlane
from roilab.types import IntArray


@dataclass(frozen=True, eq=False)
class Face:
    """The wires of a face, numbered as they are on the face with charge."""

    rows: tuple[IntArray, ...]  # of U, V and W: the channel row of every wire, shape (wire,)
    mirrored: bool  # z grows the other way: this is the face without charge

    def ascends(self, plane: WirePlane) -> bool:
        """Return whether wires are numbered as in the toolkit: up in z, or in y for equal z."""
        y, z = plane.direction
        return bool(y > 0) if abs(z) < 0.01 else bool((z > 0) != self.mirrored)


@lru_cache(maxsize=1)  # the same in every event
def find_faces(detector: Detector) -> tuple[Face, ...]:
    """Return the face with charge, and the other one where U and V wires wrap around the APA."""
    planes = detector.planes
    front = Face(tuple(np.arange(plane.wires) % plane.channels for plane in planes), False)
    if not all(plane.wires > plane.channels for plane in planes[:2]):
        return (front,)
    # Once around the APA a wire is as many numbers further as the plane has channels.
    rows = [(np.arange(p.wires) + p.channels // 2) % p.channels for p in planes[:2]]
    w = detector.w
    return front, Face((*rows, np.arange(w.wires, min(2 * w.wires, w.channels))), True)
