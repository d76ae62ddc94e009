"""Signal processing: from ADC counts to charge, after the toolkit's ``OmnibusSigProc``.

The waveforms of a plane are divided, in the two-dimensional frequency domain of wires and time, by
the average field response times the amplifier's response. On induction planes the response is
bipolar: it vanishes at low frequency, and the division amplifies noise there. Software filters
limit that noise; every frame is the same deconvolution with other filters.

===============  ==================================  ==============================
frame            filters in time                     used for
===============  ==================================  ==============================
decon_charge     wide Gaussian                       charge inside ROIs
loose_lf         Wiener, loose low cut (U, V)        loose ROIs; input of networks
tight_lf         Wiener, tight low cut (U, V)        tight ROIs
tighter_lf       Wiener, tighter low cut (U, V)      tight ROIs
refine           Wiener                              refinement of ROIs
hits             wide Wiener                         frame ``wiener`` inside ROIs
===============  ==================================  ==============================

The response of the collection plane does not vanish; it needs no low cut.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.simulate.filters import HighCut, low_cut, wire_filter
from roilab.simulate.noise import subtract_coherent_noise
from roilab.simulate.response import Response, compute_waveforms, wrap_wires
from roilab.types import FloatArray, Frame, IntArray, Mask

COLLECTION_PLANE = 2
_LOW_CUT = ("loose_lf", "tight_lf", "tighter_lf")
FRAMES = ("decon_charge", "hits", "refine", *_LOW_CUT)
_QUIET = 500.0  # electrons per tick; samples further from the baseline are signal


@dataclass(frozen=True)
class SignalProcessing:
    """Settings of ``conf/simulation/processing/wirecell.yaml``, which documents every key."""

    coherent_group: int
    coherent_sigma: float
    coherent_margin: int
    time_offset_us: float
    gauss: HighCut
    wiener: tuple[HighCut, HighCut, HighCut]
    wiener_wide: tuple[HighCut, HighCut, HighCut]
    loose_mhz: float
    tight_mhz: float
    tighter_mhz: float
    wire_sigma: tuple[float, float, float]

    def filter_noise(self, adc: NDArray[np.int16]) -> Frame:
        """Subtract the pedestal and, if configured, the coherent noise; shape (channel, tick)."""
        rows, ticks = adc.shape
        pedestal = _mean_of_middle(np.sort(adc, axis=1), np.zeros(rows, int), np.full(rows, ticks))
        raw = np.subtract(adc, pedestal, dtype=np.float32)
        if self.coherent_group:
            settings = self.coherent_group, self.coherent_sigma, self.coherent_margin
            raw = subtract_coherent_noise(raw, *settings)
        return np.asarray(raw, dtype=np.float32)

    def deconvolve(
        self,
        raw: Frame,
        plane_index: int,
        detector: Detector,
        response: Response,
        names: Collection[str] = FRAMES,
    ) -> dict[str, Frame]:
        """Return deconvolved frames of a plane (0 U, 1 V, 2 W) by name [electrons per tick].

        ``raw`` are waveforms without pedestal [ADC counts], (channel, tick), in wire order;
        ``names`` are those of the frames above.
        """
        ticks = raw.shape[1]
        spectrum, frequency = self._divide_by_response(raw, plane_index, detector, response)
        collection = plane_index == COLLECTION_PLANE
        columns = 2 * (len(frequency) - 1)
        frames: dict[str, Frame] = {}
        for name in names:
            same = "refine" if collection and name in _LOW_CUT else name
            if same not in frames:
                filtered = spectrum * self._filter(same, plane_index, frequency)
                frame = scipy.fft.irfft(filtered, columns, overwrite_x=True)[:, :ticks]
                restored = collection or same not in ("decon_charge", "hits")
                frames[same] = restore_baseline(frame) if restored else np.ascontiguousarray(frame)
            frames[name] = frames[same]
        return {name: frames[name] for name in names}

    def _filter(self, name: str, plane_index: int, frequency: FloatArray) -> Frame:
        """Return the filter in time of a frame of U, V or W at frequencies [MHz]."""
        if name == "decon_charge":
            return self.gauss(frequency).astype(np.float32)
        if name == "hits":
            return self.wiener_wide[plane_index](frequency).astype(np.float32)
        cuts = {"loose_lf": self.loose_mhz, "tight_lf": self.tight_mhz}
        cuts["tighter_lf"] = self.tighter_mhz
        wiener = self.wiener[plane_index](frequency)
        return (wiener * low_cut(frequency, cuts[name]) if name in cuts else wiener).astype(
            np.float32
        )

    def _divide_by_response(
        self, raw: Frame, plane_index: int, detector: Detector, response: Response
    ) -> tuple[NDArray[np.complex64], FloatArray]:
        """Deconvolve without filters in time: spectrum (channel, frequency), frequencies [MHz]."""
        channels, ticks = raw.shape
        waveforms = compute_waveforms(response, detector.tick_ns)[plane_index]
        rows = scipy.fft.next_fast_len(channels + len(waveforms) - 1)
        columns = scipy.fft.next_fast_len(ticks + waveforms.shape[-1], real=True)
        columns += columns % 2
        spectrum = scipy.fft.fft(scipy.fft.rfft(raw, columns), rows, axis=0, overwrite_x=True)
        shift_ticks = int(1e3 * (response.delay_us + self.time_offset_us) / detector.tick_ns)
        spectrum *= _compute_weight(
            response,
            detector.tick_ns,
            plane_index,
            (rows, columns),
            self.wire_sigma[plane_index],
            shift_ticks,
        )
        frequency = scipy.fft.rfftfreq(columns, 1e-3 * detector.tick_ns)
        return scipy.fft.ifft(spectrum, axis=0, overwrite_x=True)[:channels], frequency


@lru_cache(maxsize=3)  # the same in every event; one of each plane
def _compute_weight(
    response: Response,
    tick_ns: float,
    plane_index: int,
    shape: tuple[int, int],
    wire_sigma: float,
    shift_ticks: int,
) -> NDArray[np.complex64]:
    """Compute the factor of the deconvolution, (wire number, frequency), for U, V or W.

    It is the filter across the wires and the shift in time, divided by the response; ``shape`` is
    that of the padded frame, (row, tick).
    """
    rows, columns = shape
    # The impact position of an electron is unknown, hence the average response.
    average = compute_waveforms(response, tick_ns)[plane_index].mean(axis=1)
    divisor = scipy.fft.rfft(average, columns)
    divisor = scipy.fft.fft(wrap_wires(divisor, rows), axis=0, overwrite_x=True)
    # Any number will do at frequency 0, where the filters in time are 0.
    divisor[:, 0] = 1.0
    phase = np.exp(-2j * np.pi * np.arange(divisor.shape[1]) / columns * shift_ticks)
    filtered = wire_filter(rows, wire_sigma)[:, None] * phase[None, :]
    weight: NDArray[np.complex64] = (filtered / divisor).astype(np.complex64)
    weight.setflags(write=False)
    return weight


def restore_baseline(frame: Frame) -> Frame:
    """Subtract from every row of a frame (row, tick) its median.

    The median is taken twice, the second time only of samples within 500 electrons of the first,
    so that signal does not shift it.
    """
    ordered = np.sort(frame, axis=1)
    rows, ticks = ordered.shape
    first = _mean_of_middle(ordered, np.zeros(rows, dtype=int), np.full(rows, ticks))
    begin = _bisect(ordered, lambda samples: samples - first <= -_QUIET)
    count = _bisect(ordered, lambda samples: samples - first < _QUIET) - begin
    second = _mean_of_middle(ordered, begin, count)
    return np.asarray(frame - np.where(count[:, None] > 0, second, 0), dtype=np.float32)


def _bisect(ordered: Frame, below: Callable[[Frame], Mask]) -> IntArray:
    """Return how many samples of each sorted row are below a limit, shape (row,).

    ``below`` takes one sample of every row, (row, 1).
    """
    low, high = np.zeros((2, len(ordered), 1), dtype=int)
    high += ordered.shape[1]
    while (low < high).any():
        middle = (low + high) // 2
        sample = np.take_along_axis(ordered, np.minimum(middle, ordered.shape[1] - 1), axis=1)
        is_below = below(sample) & (low < high)
        low, high = np.where(is_below, middle + 1, low), np.where(is_below, high, middle)
    return low[:, 0]


def _mean_of_middle(ordered: NDArray[Any], begin: IntArray, count: IntArray) -> NDArray[Any]:
    """Return the median of ``count`` samples from ``begin`` of each sorted row, shape (row, 1)."""
    last = ordered.shape[1] - 1
    places = (begin + (count - 1) // 2, begin + count // 2)
    middle = [
        np.take_along_axis(ordered, np.clip(place, 0, last)[:, None], axis=1) for place in places
    ]
    return np.asarray(np.mean(np.stack(middle), axis=0))
