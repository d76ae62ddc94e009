"""Software filters of the signal processing, as functions of frequency.

They have the form of the Wire-Cell Toolkit's ``HfFilter`` and ``LfFilter`` (package sigproc). Both
are 0 at frequency 0, because the pedestal carries no charge.
"""

from dataclasses import dataclass

import numpy as np

from roilab.types import FloatArray


@dataclass(frozen=True)
class HighCut:
    """``exp(-(f / sigma)^power / 2)``: a Gaussian for power 2, steeper for larger powers."""

    sigma_mhz: float
    power: float

    def __call__(self, frequency_mhz: FloatArray) -> FloatArray:
        """Return the filter at frequencies [MHz]."""
        f = np.abs(frequency_mhz)
        return np.where(f > 0, np.exp(-0.5 * (f / self.sigma_mhz) ** self.power), 0.0)


def low_cut(frequency_mhz: FloatArray, tau_mhz: float) -> FloatArray:
    """Return ``1 - exp(-(f / tau)^2)``, which removes frequencies below about ``tau``."""
    return np.asarray(-np.expm1(-((frequency_mhz / tau_mhz) ** 2)))


def wire_filter(rows: int, sigma: float) -> FloatArray:
    """Return the Gaussian filter across the wires, shape (row,).

    ``sigma`` is in units of the Nyquist wave number, half a cycle per wire.
    """
    wave_number = 2 * np.abs(np.fft.fftfreq(rows))
    return np.asarray(np.exp(-0.5 * (wave_number / sigma) ** 2))
