"""Software filters of the signal processing, as functions of frequency.

Their forms are those of the Wire-Cell Toolkit's ``HfFilter`` and ``LfFilter`` (package sigproc):
both are 0 at frequency 0, for the pedestal carries no charge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class HighCut:
    """``exp(-(f / sigma)^power / 2)``: a Gaussian for power 2, steeper above.

    Attributes:
        sigma_mhz: width.
        power: exponent.
    """

    sigma_mhz: float
    power: float

    def __call__(self, frequency_mhz: Array) -> Array:
        """The filter at frequencies [MHz]."""
        f = np.abs(frequency_mhz)
        return np.where(f > 0, np.exp(-0.5 * (f / self.sigma_mhz) ** self.power), 0.0)


def low_cut(frequency_mhz: Array, tau_mhz: float) -> Array:
    """``1 - exp(-(f / tau)^2)``: takes away what is slower than about ``1 / tau``."""
    return np.asarray(-np.expm1(-((frequency_mhz / tau_mhz) ** 2)))


def wire_filter(rows: int, sigma: float) -> Array:
    """Gaussian along the wires, against the cyclic wave number of a transform of ``rows`` rows.

    Args:
        rows: length of the transform.
        sigma: width in units of the Nyquist wave number, half a cycle per wire.
    """
    wave_number = 2 * np.abs(np.fft.fftfreq(rows))
    return np.asarray(np.exp(-0.5 * (wave_number / sigma) ** 2))
