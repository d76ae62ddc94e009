"""Pooling of a plane's samples to the pixels of a figure, so that thin tracks do not vanish.

Images have the shape (channel, tick). ``shape`` is the most rows and columns of the result; a
shorter axis stays as it is.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.types import Frame

Shape = tuple[int, int]
Rule = Callable[[Frame, Shape], Frame]


def group_starts(length: int, max_groups: int) -> NDArray[np.int64]:
    """Return the first index of every group of neighbours; group sizes differ by at most one."""
    count = max(1, min(length, max_groups))
    return np.arange(count) * length // count


def max_pool(image: Frame, shape: Shape) -> Frame:
    """Take the value of largest size, with its sign: nothing narrow is lost.

    Noise looks stronger than it is, because the largest of many samples is shown.
    """
    high, low = _reduce(image, shape, np.maximum), _reduce(image, shape, np.minimum)
    return np.where(high >= -low, high, low)


def mean_pool(image: Frame, shape: Shape) -> Frame:
    """Take the mean: noise looks weaker, narrow and bipolar signals fade."""
    sizes = (
        np.diff(group_starts(length, count), append=length)
        for length, count in zip(image.shape, shape, strict=True)
    )
    mean: Frame = (_reduce(image, shape, np.add) / np.outer(*sizes)).astype(np.float32)
    return mean


def class_pool(classes: NDArray[np.integer[Any]], count: int, shape: Shape) -> NDArray[np.int64]:
    """Take the most frequent of the classes 1 to ``count`` - 1; 0 only where there is none."""
    fractions = [mean_pool((classes == n).astype(np.float32), shape) for n in range(1, count)]
    fraction = np.stack(fractions)
    pooled: NDArray[np.int64] = np.where(fraction.max(0) > 0, fraction.argmax(0) + 1, 0)
    return pooled


def _reduce(image: Frame, shape: Shape, function: np.ufunc) -> Frame:
    for axis in (1, 0):
        if image.shape[axis] > shape[axis]:
            starts = group_starts(image.shape[axis], shape[axis])
            image = function.reduceat(image, starts, axis=axis)
    return image
