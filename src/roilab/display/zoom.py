"""Region of a plane that holds the signal: what displays show by default.

The signal is a charge (channel, tick) that is 0 outside of it. Its largest cluster is shown, or,
where that is too large to be read, the window with the most charge.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from roilab.display.settings import DisplaySettings
from roilab.types import Frame, Mask, Range

_CELL = (8, 40)  # channels and ticks: charge of neighbouring cells is one cluster
Box = tuple[Range, Range]  # half-open ranges of rows and columns


@dataclass(frozen=True)
class Zoom:
    """Part of a plane that a picture shows.

    Attributes:
        channels: half-open range of channel ids.
        ticks: half-open range.
        signal: name of the charge that was looked for.
        part: of this charge that is shown, 0 to 1.
    """

    channels: Range
    ticks: Range
    signal: str
    part: float

    @property
    def sentence(self) -> str:
        """Channels, ticks and charge in words."""
        (first, end), (begin, stop) = self.channels, self.ticks
        return (
            f"channels {first} to {end - 1}, ticks {begin} to {stop - 1}: "
            f"{100 * self.part:.0f} % of the {self.signal}"
        )


def zoom_to_signal(
    signals: Iterable[tuple[str, Frame]], limits: Box, settings: DisplaySettings
) -> Zoom | None:
    """Return the region of the first signal that is not 0; ``None`` if all are 0.

    Args:
        signals: names, and charges inside ``limits`` (channel, tick), not negative.
        limits: half-open ranges of channel ids and ticks; axes that the user has given keep them.
        settings: of displays.
    """
    (channel, _), (tick, _) = limits
    for name, signal in signals:
        near = _near_channel(signal, channel, settings)
        if not near.any():
            continue
        (top, bottom), (left, right) = find_region(
            near, settings.zoom_margin, settings.zoom_part, settings.zoom_window
        )
        rows = _with(settings.channel, (channel + top, channel + bottom), limits[0])
        columns = (tick + left, tick + right)
        rows = limits[0] if settings.channels is not None else rows
        columns = limits[1] if settings.ticks is not None else columns
        shown = signal[rows[0] - channel : rows[1] - channel, columns[0] - tick : columns[1] - tick]
        part = float(shown.sum(dtype=np.float64) / signal.sum(dtype=np.float64))
        return Zoom(rows, columns, name, part)
    return None


def _near_channel(signal: Frame, first: int, settings: DisplaySettings) -> Frame:
    """Return the signal around the channel of the settings, or all of it without one."""
    if settings.channel is None or settings.channels is not None:
        return signal
    half = settings.zoom_window[0] // 2
    row = settings.channel - first
    near = np.zeros_like(signal)
    rows = slice(max(0, row - half), max(0, row + half))
    near[rows] = signal[rows]
    return near


def _with(channel: int | None, shown: Range, limits: Range) -> Range:
    """Return the channels that are shown, extended to one that the user has given."""
    if channel is None or not limits[0] <= channel < limits[1]:
        return shown
    return min(shown[0], channel), max(shown[1], channel + 1)


def find_region(
    signal: Frame, margin: tuple[int, int], most: float, window: tuple[int, int]
) -> Box:
    """Return half-open ranges of rows and columns of the region that a picture shows.

    It is the box around the cluster with the most charge, with a margin. Where that box is larger
    than a part ``most`` of the image, it is the window with the most charge.

    Args:
        signal: charge (channel, tick), not negative and somewhere above 0.
        margin: rows and columns on both sides of the cluster.
        most: part of the image, 0 to 1.
        window: rows and columns.
    """
    inside = _largest_cluster(signal)
    rows, columns = (
        _widened(np.flatnonzero(inside.any(axis=1 - axis)), margin[axis], signal.shape[axis])
        for axis in (0, 1)
    )
    if (rows[1] - rows[0]) * (columns[1] - columns[0]) <= most * signal.size:
        return rows, columns
    return _fullest_window(signal, window)


def _largest_cluster(signal: Frame) -> Mask:
    """Return the samples of the cluster with the most charge; clusters touch in coarse cells."""
    starts = [np.arange(0, length, cell) for length, cell in zip(signal.shape, _CELL, strict=True)]
    cells = np.add.reduceat(np.add.reduceat(signal, starts[0], axis=0), starts[1], axis=1)
    labels, count = ndimage.label(cells > 0, np.ones((3, 3)))
    charges = ndimage.sum_labels(cells, labels, np.arange(1, count + 1))
    largest = labels == 1 + int(np.argmax(charges))
    for axis, (length, cell) in enumerate(zip(signal.shape, _CELL, strict=True)):
        largest = np.repeat(largest, cell, axis=axis).take(np.arange(length), axis=axis)
    return np.asarray(largest & (signal > 0))


def _widened(places: np.ndarray, margin: int, length: int) -> Range:
    return max(0, int(places[0]) - margin), min(length, int(places[-1]) + 1 + margin)


def _fullest_window(signal: Frame, window: tuple[int, int]) -> Box:
    """Return the window with the most charge, the first of several."""
    high, wide = (min(a, b) for a, b in zip(window, signal.shape, strict=True))
    sums = np.pad(signal.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    row, column = (int(place) for place in np.unravel_index(inside.argmax(), inside.shape))
    return (row, row + high), (column, column + wide)
