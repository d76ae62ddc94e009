"""Charge of every channel in its window."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from roilab.types import FloatArray, Frame, IntArray

Window = Literal["truth", "channel"]


@dataclass(frozen=True)
class ChargeWindows:
    """Half-open range of ticks in which the charge of every channel is summed, (channel,)."""

    first: IntArray
    end: IntArray  # last tick plus one; equal to ``first`` where a channel has no truth charge

    def charge(self, frame: Frame) -> FloatArray:
        """Return the sum of a frame (channel, tick) over each channel's window, (channel,)."""
        # Indices of the samples inside all windows: only these are read, and summed in float64.
        lengths = self.end - self.first
        offset = np.cumsum(lengths) - lengths
        row = np.repeat(np.arange(len(frame)), lengths)
        tick = np.arange(lengths.sum()) - np.repeat(offset - self.first, lengths)
        sums = np.bincount(row, weights=frame[row, tick], minlength=len(frame))
        return np.asarray(sums, dtype=np.float64)


def charge_windows(truth: Frame, window: Window, margin: int) -> ChargeWindows:
    """Return the window of every channel from truth charge [electrons/tick], (channel, tick).

    ``truth`` is from the first to the last truth charge of the channel, widened by ``margin``
    ticks on both sides and cut at the edges of the frame; ``channel`` is all ticks, so that noise
    anywhere in the channel counts as charge too.
    """
    n_channels, n_ticks = truth.shape
    if window == "channel":
        return ChargeWindows(np.zeros(n_channels, np.int64), np.full(n_channels, n_ticks))
    charged = truth != 0
    any_charge = charged.any(1)
    first = np.maximum(charged.argmax(1) - margin, 0)
    end = np.minimum(n_ticks - charged[:, ::-1].argmax(1) + margin, n_ticks)
    return ChargeWindows(np.where(any_charge, first, 0), np.where(any_charge, end, 0))
