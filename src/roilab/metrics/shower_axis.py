"""Vertex and direction of a shower on a plane, from the truth charge."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from roilab.types import FloatArray


@dataclass(frozen=True)
class ShowerAxis:
    """Vertex channel and direction of a shower on a plane."""

    vertex: int  # row of the vertex channel
    step: Literal[1, -1]  # 1 towards higher channels, -1 towards lower

    def wires(self, n_channels: int, max_wires: int) -> slice:
        """Return the rows of the first ``max_wires`` of the shower, fewer at the plane's edge."""
        if self.step > 0:
            return slice(self.vertex, min(self.vertex + max_wires, n_channels))
        return slice(max(self.vertex - max_wires + 1, 0), self.vertex + 1)


def shower_axis(truth_charge: FloatArray, min_truth: float) -> ShowerAxis | None:
    """Find vertex and direction from the truth charge; ``None`` where no channel is valid.

    The wire geometry is not needed: a cascade rises fast and has a long tail, so its charge
    against channel is skewed in the direction of the shower. The vertex is the outermost valid
    channel at the other end. A channel is valid where its charge [electrons], (channel,), is above
    ``min_truth``.
    """
    valid = np.flatnonzero(truth_charge > min_truth)
    if not len(valid):
        return None
    channel = np.arange(len(truth_charge))
    mean = np.average(channel, weights=truth_charge)
    skewness = np.average((channel - mean) ** 3, weights=truth_charge)
    return ShowerAxis(int(valid[0]), 1) if skewness >= 0 else ShowerAxis(int(valid[-1]), -1)
