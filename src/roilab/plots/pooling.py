"""Images of a plane brought down to the pixels of a figure, so that thin tracks do not vanish."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Shape = tuple[int, int]
Rule = Callable[[Floats, Shape], Floats]


def edges(length: int, most: int) -> NDArray[np.int64]:
    """Where each of at most ``most`` groups of neighbours starts; groups differ by at most one."""
    count = max(1, min(length, most))
    return np.arange(count) * length // count


def max_pooled(image: Floats, shape: Shape) -> Floats:
    """The value that is largest in size, with its sign: nothing narrow is lost.

    Noise looks stronger than it is: of many samples its largest is shown.

    Args:
        image: shape (channel, tick).
        shape: most rows and columns of the result; an axis that is shorter stays as it is.
    """
    high, low = _reduced(image, shape, np.maximum), _reduced(image, shape, np.minimum)
    return np.where(high >= -low, high, low)


def mean_pooled(image: Floats, shape: Shape) -> Floats:
    """The mean: noise looks weaker, narrow and bipolar signals fade.

    Args:
        image: shape (channel, tick).
        shape: most rows and columns of the result; an axis that is shorter stays as it is.
    """
    total = _reduced(image, shape, np.add)
    rows, columns = (
        np.diff(np.append(edges(length, most), length))
        for length, most in zip(image.shape, shape, strict=True)
    )
    mean: Floats = (total / (rows[:, None] * columns)).astype(np.float32)
    return mean


def class_pooled(classes: NDArray[np.integer[Any]], count: int, shape: Shape) -> NDArray[np.int64]:
    """The most frequent class of every pixel, where class 0 gives way to any other.

    Args:
        classes: 0 to ``count`` - 1, shape (channel, tick).
        count: number of classes.
        shape: most rows and columns of the result.
    """
    parts = [mean_pooled((classes == n).astype(np.float32), shape) for n in range(1, count)]
    part = np.stack(parts)
    found: NDArray[np.int64] = np.where(part.max(0) > 0, part.argmax(0) + 1, 0)
    return found


def _reduced(image: Floats, shape: Shape, function: np.ufunc) -> Floats:
    if image.shape[1] > shape[1]:
        image = function.reduceat(image, edges(image.shape[1], shape[1]), axis=1)
    if image.shape[0] > shape[0]:
        image = function.reduceat(image, edges(image.shape[0], shape[0]), axis=0)
    return image
