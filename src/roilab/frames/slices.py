"""Samples that stand for several ticks each (rebinned before they were stored)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.types import Range


def spread(samples: NDArray[Any], rebin: int, ticks: Range) -> NDArray[Any]:
    """Return some ticks of an array whose samples stand for ``rebin`` ticks each.

    Args:
        samples: shape (channel, sample).
        rebin: ticks of a sample, which is repeated for each of them.
        ticks: half-open, counted from the first tick of sample 0.

    Returns:
        Shape (channel, tick).
    """
    begin, end = ticks
    if rebin == 1 or begin >= end:
        return samples[:, begin:end]
    first = begin // rebin
    repeated = np.repeat(samples[:, first : -(-end // rebin)], rebin, axis=1)
    return repeated[:, begin - first * rebin : end - first * rebin]
