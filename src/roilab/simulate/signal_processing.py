"""Signal processing: from ADC counts to charge, as the toolkit's ``OmnibusSigProc`` does it.

The waveforms of a plane are divided, in the two-dimensional frequency domain of wires and time, by
the average field response times the amplifier's response. On induction planes the response is
bipolar, so it vanishes at low frequency and the division blows the noise up there. Software
filters answer that: every tag is the same deconvolution with other filters.

===============  ==================================  ==============================
frame            filters in time                     used for
===============  ==================================  ==============================
decon_charge     wide Gaussian                       the charge inside ROIs
loose_lf         Wiener, loose low cut (U, V)        long ROIs; the network's input
tight_lf         Wiener, tight low cut (U, V)        short ROIs
tighter_lf       Wiener, tighter low cut (U, V)      short ROIs
refine           Wiener                              splitting and cleaning ROIs
hits             wide Wiener                         the frame ``wiener`` inside ROIs
===============  ==================================  ==============================

The collection plane's response does not vanish; no low cut is applied there.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.simulate.filters import HighCut, low_cut, wire_filter
from roilab.simulate.noise import subtract_coherent
from roilab.simulate.response import Response

Frame = NDArray[np.float32]
_COLLECTION = 2


@dataclass(frozen=True)
class SignalProcessing:
    """Settings of the signal processing.

    Attributes:
        coherent_group: channels of a group in the coherent-noise subtraction; 0 leaves it out.
        coherent_sigma: signal protected there, in units of the channel's noise.
        coherent_margin: ticks protected around it.
        time_offset_us: shift of the deconvolved charge in time; with the shift by whole ticks it
            makes the truth lead by about a tick.
        gauss: filter of the charge.
        wiener: filters of U, V and W that the ROI finding uses.
        wiener_wide: filters of U, V and W of the frame ``wiener``.
        loose_mhz: loose low cut. tight_mhz: tight low cut. tighter_mhz: tighter low cut.
        wire_sigma: filter across the wires of U, V and W.
    """

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

    def noise_filter(self, adc: NDArray[np.int16]) -> Frame:
        """Take the pedestal and, where switched on, the coherent noise away; (channel, tick)."""
        raw = adc - np.median(adc, axis=1, keepdims=True).astype(np.float32)
        if self.coherent_group:
            raw = subtract_coherent(
                raw, self.coherent_group, self.coherent_sigma, self.coherent_margin
            )
        return np.asarray(raw, dtype=np.float32)

    def deconvolve(
        self, raw: Frame, plane_index: int, detector: Detector, response: Response
    ) -> dict[str, Frame]:
        """All deconvolved frames of a plane.

        Args:
            raw: baseline-free waveforms [ADC counts], (channel, tick), in wire order.
            plane_index: 0 U, 1 V, 2 W.
            detector: clock.
            response: what is divided out.

        Returns:
            name to frame [electrons per tick], (channel, tick).
        """
        ticks = raw.shape[1]
        spectrum, frequency = self._divide(raw, plane_index, detector, response)
        columns = 2 * (len(frequency) - 1)

        def back(shape: NDArray[np.float64], settle: bool) -> Frame:
            filtered = spectrum * shape.astype(np.float32)
            frame = scipy.fft.irfft(filtered, columns, overwrite_x=True)[:, :ticks]
            return restore_baseline(frame) if settle else np.ascontiguousarray(frame)

        wiener = self.wiener[plane_index](frequency)
        collection = plane_index == _COLLECTION
        frames = {
            "decon_charge": back(self.gauss(frequency), collection),
            "hits": back(self.wiener_wide[plane_index](frequency), collection),
            "refine": back(wiener, True),
        }
        cuts = {"loose_lf": self.loose_mhz, "tight_lf": self.tight_mhz}
        for name, tau in {**cuts, "tighter_lf": self.tighter_mhz}.items():
            if collection:
                frames[name] = frames["refine"]
            else:
                frames[name] = back(wiener * low_cut(frequency, tau), True)
        return frames

    def _divide(
        self, raw: Frame, plane_index: int, detector: Detector, response: Response
    ) -> tuple[NDArray[np.complex64], NDArray[np.float64]]:
        """Deconvolve without time filters: spectrum (channel, frequency), and frequencies [MHz]."""
        neighbours = response.field.neighbours
        # Which part of the pitch an electron passed is unknown: the average response is taken.
        average = response.per_tick(detector.tick_ns)[plane_index].mean(axis=1)
        channels, ticks = raw.shape
        rows = scipy.fft.next_fast_len(channels + 2 * neighbours)
        columns = scipy.fft.next_fast_len(ticks + average.shape[-1], real=True)
        columns += columns % 2
        kernel = np.zeros((rows, average.shape[-1]), dtype=np.float64)
        kernel[: 2 * neighbours + 1] = average
        kernel = np.roll(kernel, -neighbours, axis=0)
        spectrum = scipy.fft.fft(scipy.fft.rfft(raw, columns), rows, axis=0, overwrite_x=True)
        divisor = scipy.fft.fft(scipy.fft.rfft(kernel, columns), axis=0)
        frequency = scipy.fft.rfftfreq(columns, 1e-3 * detector.tick_ns)
        # The time filters are 0 at frequency 0; there the quotient has no meaning.
        divisor[:, 0] = 1.0
        shift_us = response.delay_us + self.time_offset_us
        shift_ticks = int(1e3 * shift_us / detector.tick_ns)
        phase = np.exp(-2j * np.pi * np.arange(len(frequency)) / columns * shift_ticks)
        weight = wire_filter(rows, self.wire_sigma[plane_index])[:, None] * phase[None, :]
        spectrum *= (weight / divisor).astype(np.complex64)
        return scipy.fft.ifft(spectrum, axis=0, overwrite_x=True)[:channels], frequency


def restore_baseline(frame: Frame) -> Frame:
    """Subtract from every row the median of its samples.

    It is taken twice, the second time of what lies within 500 electrons of the first, so that
    signal does not pull it.

    Args:
        frame: shape (row, tick).
    """
    first = np.median(frame, axis=1, keepdims=True)
    second = np.nanmedian(
        np.where(np.abs(frame - first) < 500, frame, np.nan), axis=1, keepdims=True
    )
    return np.asarray(frame - np.nan_to_num(second), dtype=np.float32)
