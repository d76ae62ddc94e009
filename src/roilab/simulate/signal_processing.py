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

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.simulate.filters import HighCut, low_cut, wire_filter
from roilab.simulate.noise import subtract_coherent_noise
from roilab.simulate.response import Response, compute_waveforms, wrap_wires
from roilab.types import FloatArray, Frame, IntArray

COLLECTION_PLANE = 2


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
        raw = adc - np.median(adc, axis=1, keepdims=True).astype(np.float32)
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
        charge: bool = True,
    ) -> dict[str, Frame]:
        """Return all deconvolved frames of a plane (0 U, 1 V, 2 W) by name [electrons per tick].

        ``raw`` are waveforms without pedestal [ADC counts], (channel, tick), in wire order.
        Without ``charge``, only the frames in which candidates of ROIs are searched.
        """
        ticks = raw.shape[1]
        spectrum, frequency = self._divide_by_response(raw, plane_index, detector, response)
        columns = 2 * (len(frequency) - 1)

        def transform_back(time_filter: FloatArray, restore: bool) -> Frame:
            filtered = spectrum * time_filter.astype(np.float32)
            frame = scipy.fft.irfft(filtered, columns, overwrite_x=True)[:, :ticks]
            return restore_baseline(frame) if restore else np.ascontiguousarray(frame)

        wiener = self.wiener[plane_index](frequency)
        collection = plane_index == COLLECTION_PLANE
        frames = {"refine": transform_back(wiener, True)}
        if charge:
            wide = self.wiener_wide[plane_index](frequency)
            frames["decon_charge"] = transform_back(self.gauss(frequency), collection)
            frames["hits"] = transform_back(wide, collection)
        if collection:
            return frames | dict.fromkeys(("loose_lf", "tight_lf", "tighter_lf"), frames["refine"])
        cuts = {"loose_lf": self.loose_mhz, "tight_lf": self.tight_mhz}
        for name, tau in {**cuts, "tighter_lf": self.tighter_mhz}.items():
            frames[name] = transform_back(wiener * low_cut(frequency, tau), True)
        return frames

    def _divide_by_response(
        self, raw: Frame, plane_index: int, detector: Detector, response: Response
    ) -> tuple[NDArray[np.complex64], FloatArray]:
        """Deconvolve without filters in time: spectrum (channel, frequency), frequencies [MHz]."""
        # The impact position of an electron is unknown, hence the average response.
        average = compute_waveforms(response, detector.tick_ns)[plane_index].mean(axis=1)
        channels, ticks = raw.shape
        rows = scipy.fft.next_fast_len(channels + len(average) - 1)
        columns = scipy.fft.next_fast_len(ticks + average.shape[-1], real=True)
        columns += columns % 2
        spectrum = scipy.fft.fft(scipy.fft.rfft(raw, columns), rows, axis=0, overwrite_x=True)
        divisor = scipy.fft.fft(scipy.fft.rfft(wrap_wires(average, rows), columns), axis=0)
        frequency = scipy.fft.rfftfreq(columns, 1e-3 * detector.tick_ns)
        # Any number will do at frequency 0, where the filters in time are 0.
        divisor[:, 0] = 1.0
        shift_ticks = int(1e3 * (response.delay_us + self.time_offset_us) / detector.tick_ns)
        phase = np.exp(-2j * np.pi * np.arange(len(frequency)) / columns * shift_ticks)
        weight = wire_filter(rows, self.wire_sigma[plane_index])[:, None] * phase[None, :]
        spectrum *= (weight / divisor).astype(np.complex64)
        return scipy.fft.ifft(spectrum, axis=0, overwrite_x=True)[:channels], frequency


def restore_baseline(frame: Frame) -> Frame:
    """Subtract from every row of a frame (row, tick) its median.

    The median is taken twice, the second time only of samples within 500 electrons of the first,
    so that signal does not shift it. A row without such samples keeps its values.
    """
    ordered = np.sort(frame, axis=1)  # once for both medians, which is quicker than np.nanmedian
    row, ticks = np.arange(len(frame)), frame.shape[1]
    first = _middle(ordered, row, np.zeros_like(row), np.full_like(row, ticks))
    near = np.abs(ordered - first[:, None]) < 500
    begin, count = near.argmax(axis=1), near.sum(axis=1)
    second = np.where(count > 0, _middle(ordered, row, begin, np.maximum(count, 1)), 0)
    return np.asarray(frame - second[:, None], dtype=np.float32)


def _middle(ordered: Frame, row: IntArray, begin: IntArray, count: IntArray) -> Frame:
    """Return the median of ``count`` samples of every ordered row from ``begin`` on, (row,)."""
    low, high = begin + (count - 1) // 2, begin + count // 2
    return np.asarray((ordered[row, low] + ordered[row, high]) / np.float32(2))
