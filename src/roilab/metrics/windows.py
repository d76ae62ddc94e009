"""Charge of every channel in its window, and the wires along a shower."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.float32]
Charges = NDArray[np.float64]
Window = Literal["truth", "channel"]


@dataclass(frozen=True)
class ChargeWindows:
    """Half-open range of ticks in which the charge of every channel is summed.

    Attributes:
        first: first tick of every channel, shape (channel,).
        end: one past the last; equal to ``first`` where a channel has no truth charge.
    """

    first: NDArray[np.int64]
    end: NDArray[np.int64]

    def charge(self, frame: Frame) -> Charges:
        """Sum of a frame (channel, tick) over each channel's window, shape (channel,)."""
        # Windows end to end: only the samples inside are touched, and summed in float64.
        lengths = self.end - self.first
        offset = np.cumsum(lengths) - lengths
        row = np.repeat(np.arange(len(frame)), lengths)
        tick = np.arange(lengths.sum()) - np.repeat(offset - self.first, lengths)
        sums = np.bincount(row, weights=frame[row, tick], minlength=len(frame))
        return np.asarray(sums, dtype=np.float64)


def charge_windows(truth: Frame, window: Window, margin: int) -> ChargeWindows:
    """The window of every channel.

    Args:
        truth: truth charge [electrons/tick], shape (channel, tick).
        window: ``truth``: from the first to the last truth charge of the channel, widened by
            ``margin`` on both sides and cut at the frame's edges; ``channel``: all ticks, so that
            noise found elsewhere in the channel counts as charge too.
        margin: in ticks.
    """
    n_channels, n_ticks = truth.shape
    if window == "channel":
        return ChargeWindows(np.zeros(n_channels, np.int64), np.full(n_channels, n_ticks))
    charged = truth != 0
    any_charge = charged.any(1)
    first = np.maximum(charged.argmax(1) - margin, 0)
    end = np.minimum(n_ticks - charged[:, ::-1].argmax(1) + margin, n_ticks)
    return ChargeWindows(np.where(any_charge, first, 0), np.where(any_charge, end, 0))


@dataclass(frozen=True)
class ShowerAxis:
    """Where a shower starts on a plane, and which way it runs.

    Attributes:
        vertex: row of the vertex channel.
        step: +1 towards higher channels, -1 towards lower.
    """

    vertex: int
    step: Literal[1, -1]

    def wires(self, n_channels: int, most: int) -> slice:
        """Rows of the first wires of the shower, at most ``most``, fewer at the plane's edge."""
        if self.step > 0:
            return slice(self.vertex, min(self.vertex + most, n_channels))
        return slice(max(self.vertex - most + 1, 0), self.vertex + 1)


def shower_axis(truth_charge: Charges, min_truth: float) -> ShowerAxis | None:
    """Vertex and direction from the truth charge alone, where the wire geometry is not at hand.

    A cascade rises fast and has a long tail, so its charge against channel is skewed the way it
    runs; the vertex is the outermost valid channel on the other side.

    Args:
        truth_charge: of every channel [electrons], shape (channel,).
        min_truth: a channel is valid above it [electrons].

    Returns:
        ``None`` where no channel is valid.
    """
    valid = np.flatnonzero(truth_charge > min_truth)
    if not len(valid):
        return None
    channel = np.arange(len(truth_charge))
    mean = np.average(channel, weights=truth_charge)
    skewness = np.average((channel - mean) ** 3, weights=truth_charge)
    return ShowerAxis(int(valid[0]), 1) if skewness >= 0 else ShowerAxis(int(valid[-1]), -1)
