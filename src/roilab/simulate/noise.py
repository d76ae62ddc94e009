"""Electronics noise: incoherent with a realistic spectrum, and coherent within groups of channels.

The amplitude spectrum of a cold front-end is that of two sources shaped by the amplifier: a
parallel one, flat at its input, and a series one, the amplifier's voltage noise on the wire's
capacitance, growing with frequency. The first rises below a frequency of microphonics and supply
noise, the second has the flicker noise of its transistor; the digitiser adds a white floor::

    N(f)^2 = S(f)^2 (parallel^2 (1 + rise / f) + (series f)^2 (1 + flicker / f)) + white^2

S(f) is the amplifier's spectrum, 1 at f = 0. Amplitudes are such that the mean of N(f)^2 over all
frequencies is the variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from roilab.simulate.errors import SimulationError
from roilab.simulate.response import cold_electronics

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Noise of a detector.

    Attributes:
        scale: factor on the incoherent noise of U, V and W (0 switches it off).
        parallel_adc: amplitude of the parallel noise.
        series_adc_per_mhz: amplitude of the series noise at 1 MHz.
        white_adc: amplitude of the white floor.
        rise_mhz: frequency below which the low-frequency rise of the parallel noise dominates.
        flicker_mhz: the same for the flicker noise of the series one.
        coherent_adc: RMS of the noise that a group of channels shares (0 switches it off).
        coherent_group: neighbouring channels of a plane that share it.
        coherent_cutoff_mhz: the shared noise falls as a Gaussian of this width in frequency.
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
            raise SimulationError("Noise amplitudes are negative: expected 0 or more.")
        if self.coherent_group < 1 or self.coherent_cutoff_mhz <= 0:
            raise SimulationError(
                f"noise.coherent_group is {self.coherent_group} and noise.coherent_cutoff_mhz "
                f"{self.coherent_cutoff_mhz}: expected at least 1 and more than 0."
            )

    def amplitude(self, frequency_mhz: Array, peaking_us: float) -> Array:
        """N(f) [ADC counts] of the incoherent noise; 0 at frequency 0, which is pedestal.

        Args:
            frequency_mhz: frequencies.
            peaking_us: peaking time of the amplifier.
        """
        shape = amplifier_spectrum(frequency_mhz, peaking_us)
        f = np.maximum(frequency_mhz, 1e-9)
        parallel = self.parallel_adc**2 * (1 + self.rise_mhz / f)
        series = (self.series_adc_per_mhz * f) ** 2 * (1 + self.flicker_mhz / f)
        total = np.sqrt(shape**2 * (parallel + series) + self.white_adc**2)
        return np.where(frequency_mhz > 0, total, 0.0)

    def waveforms(
        self,
        plane_index: int,
        shape: tuple[int, int],
        tick_ns: float,
        peaking_us: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Noise of one plane [ADC counts].

        Args:
            plane_index: 0 U, 1 V, 2 W.
            shape: (channel, tick).
            tick_ns: length of a tick.
            peaking_us: peaking time of the amplifier.
            rng: source of randomness.
        """
        channels, ticks = shape
        frequency = scipy.fft.rfftfreq(ticks, 1e-3 * tick_ns)
        amplitude = self.scale[plane_index] * self.amplitude(frequency, peaking_us)
        noise = _coloured(amplitude, channels, ticks, rng)
        if self.coherent_adc > 0:
            common = np.where(
                frequency > 0, np.exp(-0.5 * (frequency / self.coherent_cutoff_mhz) ** 2), 0.0
            )
            groups = -(-channels // self.coherent_group)
            shared = _coloured(common, groups, ticks, rng)
            shared *= self.coherent_adc / max(float(shared.std()), 1e-9)
            noise += np.repeat(shared, self.coherent_group, axis=0)[:channels]
        return noise


def amplifier_spectrum(frequency_mhz: Array, peaking_us: float) -> Array:
    """Magnitude of the amplifier's response against frequency [MHz], 1 at frequency 0."""
    period = 0.05
    time = period * np.arange(round(20 * peaking_us / period), dtype=np.float64)
    impulse = cold_electronics(time, peaking_us)
    size = 1 << 14
    known = scipy.fft.rfftfreq(size, period)
    magnitude = np.abs(scipy.fft.rfft(impulse, size))
    return np.asarray(np.interp(frequency_mhz, known, magnitude / magnitude[0]))


def _coloured(
    amplitude: Array, rows: int, ticks: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Gaussian noise of an amplitude spectrum, shape (row, tick)."""
    spectrum = np.empty((rows, len(amplitude)), dtype=np.complex64)
    spectrum.real = rng.standard_normal(spectrum.shape, dtype=np.float32)
    spectrum.imag = rng.standard_normal(spectrum.shape, dtype=np.float32)
    # Each complex coefficient of n samples carries the variance N(f)^2 n, half in either part.
    spectrum *= (amplitude * np.sqrt(0.5 * ticks)).astype(np.float32)
    return np.asarray(scipy.fft.irfft(spectrum, ticks, overwrite_x=True), dtype=np.float32)


def subtract_coherent(
    frame: NDArray[np.float32], group: int, signal_sigma: float, margin: int
) -> NDArray[np.float32]:
    """Remove what the channels of a group have in common.

    At every tick the median over the group's channels is subtracted. A channel is left out of
    the median around its own signal, else the median would take long isochronous tracks away.

    Args:
        frame: baseline-free waveforms, (channel, tick).
        group: channels of a group.
        signal_sigma: signal is what exceeds this many times the channel's noise.
        margin: ticks around it that count as signal too.

    Returns:
        A new frame of the same shape.
    """
    spread = 1.4826 * np.median(np.abs(frame), axis=1, keepdims=True)
    hot = np.abs(frame) > signal_sigma * np.maximum(spread, 1e-6)
    hot = widen(hot, margin)
    cleaned = frame.copy()
    for first in range(0, len(frame), group):
        rows = slice(first, first + group)
        quiet = np.where(hot[rows], np.nan, frame[rows])
        counted = (~hot[rows]).sum(axis=0) >= max(2, len(quiet) // 4)
        common = np.zeros(frame.shape[1], dtype=np.float32)
        if counted.any():
            common[counted] = np.nanmedian(quiet[:, counted], axis=0)
        cleaned[rows] -= common
    return cleaned


def widen(mask: NDArray[np.bool_], margin: int) -> NDArray[np.bool_]:
    """Extend every run of a mask (row, tick) by ``margin`` ticks on either side."""
    edge = np.zeros((mask.shape[0], mask.shape[1] + 2 * margin + 1), dtype=np.int32)
    np.cumsum(np.pad(mask, ((0, 0), (margin, margin))), axis=1, out=edge[:, 1:])
    width = 2 * margin + 1
    return np.asarray(edge[:, width:] - edge[:, :-width] > 0)


def robust_rms(frame: NDArray[np.float32], cut: float) -> NDArray[np.float32]:
    """Noise of every row, little moved by signal.

    First from the quantiles at one standard deviation, then the RMS of what lies within ``cut``
    times that.

    Args:
        frame: shape (row, tick).
        cut: in units of the first estimate.

    Returns:
        shape (row,).
    """
    quantiles: Sequence[float] = (16.0, 50.0, 84.0)
    low, middle, high = np.percentile(frame[:, ::2], quantiles, axis=1)
    first = np.sqrt(0.5 * ((high - middle) ** 2 + (middle - low) ** 2))
    inside = np.abs(frame) < cut * first[:, None]
    squares = np.where(inside, frame, 0).astype(np.float32) ** 2
    mean = squares.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    return np.asarray(np.sqrt(mean), dtype=np.float32)
