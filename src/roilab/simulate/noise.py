"""Electronics noise: an incoherent part per channel and a coherent part per group of channels.

The spectrum of a cold front-end has two sources shaped by the amplifier: parallel noise, flat at
the input, and series noise (the amplifier's voltage noise on the capacitance of the wire), which
grows with frequency. Microphonics and supply noise raise the first at low frequency, flicker noise
of the transistor raises the second; the digitiser adds a white floor::

    N(f)^2 = S(f)^2 (parallel^2 (1 + rise / f) + (series f)^2 (1 + flicker / f)) + white^2

S(f) is the amplifier's spectrum, 1 at f = 0. The mean of N(f)^2 over all frequencies is the
variance of the noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft

from roilab.simulate.errors import SimulationError
from roilab.simulate.filters import HighCut
from roilab.simulate.intervals import pad_mask
from roilab.simulate.response import cold_electronics
from roilab.types import FloatArray, Frame


@dataclass(frozen=True)
class Noise:
    """Noise of a detector; amplitudes in ADC counts.

    Settings of ``conf/simulation/noise/incoherent.yaml``, which documents every key.
    """

    scale: tuple[float, float, float]
    parallel_adc: float
    series_adc_per_mhz: float
    white_adc: float
    rise_mhz: float
    flicker_mhz: float
    coherent_adc: float
    coherent_group: int
    coherent_cutoff_mhz: float

    def __post_init__(self) -> None:
        values = (self.parallel_adc, self.series_adc_per_mhz, self.white_adc, self.coherent_adc)
        if min(*values, *self.scale, self.rise_mhz, self.flicker_mhz) < 0:
            raise SimulationError("A setting of the noise is negative: expected 0 or more.")
        if self.coherent_group < 1 or self.coherent_cutoff_mhz <= 0:
            raise SimulationError(
                f"noise.coherent_group is {self.coherent_group} and noise.coherent_cutoff_mhz "
                f"{self.coherent_cutoff_mhz}: expected at least 1 and more than 0."
            )

    def amplitude(self, frequency_mhz: FloatArray, peaking_us: float) -> FloatArray:
        """Return N(f) [ADC counts] of the incoherent noise; 0 at frequency 0, the pedestal."""
        shape = amplifier_spectrum(frequency_mhz, peaking_us)
        f = np.maximum(frequency_mhz, 1e-9)
        parallel = self.parallel_adc**2 * (1 + self.rise_mhz / f)
        series = (self.series_adc_per_mhz * f) ** 2 * (1 + self.flicker_mhz / f)
        total = np.sqrt(shape**2 * (parallel + series) + self.white_adc**2)
        return np.where(frequency_mhz > 0, total, 0.0)

    def scaled(
        self, rms_adc: Sequence[float], ticks: int, tick_ns: float, peaking_us: float
    ) -> "Noise":
        """Return the noise whose incoherent part has an RMS [ADC counts] on U, V and W.

        It is multiplied with ``scale``; the shape of the spectrum stays.
        """
        frequency = np.abs(scipy.fft.fftfreq(ticks, 1e-3 * tick_ns))
        unit = float(np.sqrt((self.amplitude(frequency, peaking_us) ** 2).mean()))
        u, v, w = (factor * rms / unit for factor, rms in zip(self.scale, rms_adc, strict=True))
        return replace(self, scale=(u, v, w))

    def generate(
        self,
        plane_index: int,
        shape: tuple[int, int],
        tick_ns: float,
        peaking_us: float,
        rng: np.random.Generator,
    ) -> Frame:
        """Generate the noise [ADC counts] of a plane (0 U, 1 V, 2 W), shape (channel, tick)."""
        channels, ticks = shape
        frequency = scipy.fft.rfftfreq(ticks, 1e-3 * tick_ns)
        amplitude = self.scale[plane_index] * self.amplitude(frequency, peaking_us)
        noise = _draw_noise(amplitude, channels, ticks, rng)
        if self.coherent_adc > 0:
            coherent = HighCut(self.coherent_cutoff_mhz, 2.0)(frequency)
            groups = -(-channels // self.coherent_group)
            shared = _draw_noise(coherent, groups, ticks, rng)
            shared *= self.coherent_adc / max(float(shared.std()), 1e-9)
            noise += np.repeat(shared, self.coherent_group, axis=0)[:channels]
        return noise


def amplifier_spectrum(frequency_mhz: FloatArray, peaking_us: float) -> FloatArray:
    """Return the magnitude of the amplifier's response at frequencies [MHz], 1 at frequency 0."""
    period = 0.05
    time = period * np.arange(round(20 * peaking_us / period), dtype=np.float64)
    impulse = cold_electronics(time, peaking_us)
    size = 1 << 14
    known = scipy.fft.rfftfreq(size, period)
    magnitude = np.abs(scipy.fft.rfft(impulse, size))
    return np.asarray(np.interp(frequency_mhz, known, magnitude / magnitude[0]))


def _draw_noise(amplitude: FloatArray, rows: int, ticks: int, rng: np.random.Generator) -> Frame:
    """Draw Gaussian noise of a given amplitude spectrum, shape (row, tick)."""
    spectrum = np.empty((rows, len(amplitude)), dtype=np.complex64)
    spectrum.real = rng.standard_normal(spectrum.shape, dtype=np.float32)
    spectrum.imag = rng.standard_normal(spectrum.shape, dtype=np.float32)
    # A complex coefficient of n samples has variance N(f)^2 n: half in the real part, half in the
    # imaginary part.
    spectrum *= (amplitude * np.sqrt(0.5 * ticks)).astype(np.float32)
    return np.asarray(scipy.fft.irfft(spectrum, ticks, overwrite_x=True), dtype=np.float32)


def subtract_coherent_noise(frame: Frame, group: int, signal_sigma: float, margin: int) -> Frame:
    """Subtract the noise that the channels of a group share.

    The shared noise is the median over the channels of a group at every tick. Signal, more than
    ``signal_sigma`` times the channel's noise and ``margin`` ticks around it, does not count in
    the median; otherwise the median would remove long isochronous tracks.
    """
    sigma = 1.4826 * np.median(np.abs(frame), axis=1, keepdims=True)
    signal = pad_mask(np.abs(frame) > signal_sigma * np.maximum(sigma, 1e-6), margin)
    cleaned = frame.copy()
    for first in range(0, len(frame), group):
        rows = slice(first, first + group)
        quiet = np.where(signal[rows], np.nan, frame[rows])
        enough = (~signal[rows]).sum(axis=0) >= max(2, len(quiet) // 4)
        shared = np.zeros(frame.shape[1], dtype=np.float32)
        if enough.any():
            shared[enough] = np.nanmedian(quiet[:, enough], axis=0)
        cleaned[rows] -= shared
    return cleaned


def estimate_rms(frame: Frame, cut: float) -> Frame:
    """Estimate the noise (row,) of a frame (row, tick); signal changes it little.

    The first estimate comes from the quantiles at one standard deviation, the second is the RMS
    of the samples below ``cut`` times the first.
    """
    ordered = np.sort(frame[:, ::2], axis=1)  # numpy finds quantiles faster in sorted samples
    low, middle, high = np.percentile(ordered, [16.0, 50.0, 84.0], axis=1)
    first = np.sqrt(0.5 * ((high - middle) ** 2 + (middle - low) ** 2))
    inside = np.abs(frame) < cut * first[:, None]
    squares = np.where(inside, frame, 0).astype(np.float32) ** 2
    mean = squares.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return np.asarray(np.sqrt(mean), dtype=np.float32)
