"""Axes of a Magnify histogram: channels and ticks."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from roilab.frames.errors import FrameFileError
from roilab.types import IntArray, Range

_CLOSE = 1e-6


@dataclass(frozen=True)
class PlaneAxes:
    """Axes of one plane of a tag."""

    key: str  # of the histogram
    first_channel: int
    n_channels: int
    first_tick: int
    n_bins: int  # along the ticks
    rebin: int  # ticks of a bin
    dtype: np.dtype[Any]  # of the samples

    @property
    def channels(self) -> IntArray:
        """Channel ids in order."""
        return np.arange(self.first_channel, self.first_channel + self.n_channels)

    @property
    def ticks(self) -> Range:
        """Ticks of the bins, half-open."""
        return self.first_tick, self.first_tick + self.n_bins * self.rebin


def plane_axes(where: str, key: str, histogram: Any, dtype: np.dtype[Any]) -> PlaneAxes:
    """Return channels and ticks of a histogram.

    MagnifySink divides n ticks into n // rebin bins over the full range, so its bins are slightly
    wider than ``rebin`` ticks where n is no multiple; the last ticks are in no bin.

    Args:
        where: file and histogram, for messages.
        key: of the histogram in the file.
        histogram: of uproot, of two dimensions.
        dtype: of its contents.

    Raises:
        FrameFileError: the bins are no channels, or no ticks.
    """
    (low, n_channels, width), (begin, n_bins, ticks) = (
        _bins(where, histogram.axis(i)) for i in (0, 1)
    )
    first_channel = round(low + width / 2)
    if abs(width - 1) > _CLOSE or abs(low + width / 2 - first_channel) > _CLOSE:
        raise FrameFileError(
            f"{where}: its x axis has {n_channels} bins of width {width:g} from {low:g}; expected "
            "bins of width 1 around the channel ids, as MagnifySink writes them."
        )
    rebin = math.floor(ticks + _CLOSE)
    if rebin < 1 or (ticks - rebin) * n_bins > rebin:
        raise FrameFileError(
            f"{where}: its y axis has {n_bins} bins of width {ticks:g}; expected bins of one tick, "
            "or of the same number of ticks, as MagnifySink writes them."
        )
    if rebin > 1:
        dtype = np.result_type(dtype, np.float32)
    first_tick = math.ceil(begin - _CLOSE)  # also of bins around the tick, from -0.5
    return PlaneAxes(key, first_channel, n_channels, first_tick, n_bins, rebin, dtype)


def _bins(where: str, axis: Any) -> tuple[float, int, float]:
    """Return low edge, number and width of the bins of an axis."""
    count, low, high = (axis.member(name) for name in ("fNbins", "fXmin", "fXmax"))
    edges = np.asarray(axis.member("fXbins"), dtype=np.float64)  # only where their widths differ
    if count < 1 or not np.isfinite([low, high]).all() or not low < high:
        raise FrameFileError(
            f"{where}: an axis has {count} bins from {low} to {high}; expected at least one. The "
            "file is damaged: copy it again."
        )
    if len(edges) and not np.allclose(np.diff(edges), (high - low) / count, rtol=1e-3):
        raise FrameFileError(
            f"{where}: the bins of an axis have different widths; expected equal ones, as "
            "MagnifySink writes them."
        )
    return float(low), int(count), float((high - low) / count)
