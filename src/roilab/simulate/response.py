"""From electrons at the response plane to ADC counts: field response, amplifier, digitiser."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from roilab.detectors.detector import Detector, WirePlane
from roilab.simulate.drift import Arrivals, add_clouds
from roilab.simulate.errors import SimulationError
from roilab.simulate.field import WireField, compute_induced_currents
from roilab.types import FloatArray, Frame

_ELECTRON_FC = 1.602176634e-4


def cold_electronics(time_us: FloatArray, peaking_us: float) -> FloatArray:
    """Return the impulse response of the cold front-end amplifier, with maximum 1.

    A fifth-order semi-Gaussian shaper: one real pole and two pairs of complex poles. Poles and
    residues are those of the BNL front-end chip, as DUNE's simulations use them (e.g. B. Abi et
    al., JINST 15 (2020) P12004, section 3).

    Args:
        time_us: times, any shape.
        peaking_us: peaking time of the chip (0.5, 1, 2 or 3 us).
    """
    x = np.maximum(time_us, 0.0) / peaking_us
    first, second = 1.19361 * x, 2.5928 * x
    shape = 4.31054 * np.exp(-2.94809 * x)
    shape -= np.exp(-2.82833 * x) * (5.2404 * np.cos(first) - 1.524912 * np.sin(first))
    shape += np.exp(-2.40318 * x) * (0.929848 * np.cos(second) - 0.655368 * np.sin(second))
    return np.asarray(np.where(np.asarray(time_us) > 0, shape, 0.0) / 0.0988166)


@dataclass(frozen=True)
class Response:
    """Field response and electronics.

    Settings of ``conf/simulation/response/wires.yaml``, which documents every key.
    """

    field: WireField
    gain_mv_per_fc: float
    peaking_us: float
    adc_bits: int
    adc_range_mv: float
    baseline_adc: tuple[float, float, float]

    def __post_init__(self) -> None:
        # A list from YAML becomes a tuple, so that the response can be a key of the cache below.
        object.__setattr__(self, "baseline_adc", tuple(self.baseline_adc))
        if self.field.impacts % 2:
            raise SimulationError(
                f"response.field.impacts is {self.field.impacts}: expected an even number, because "
                "the positions left and right of a wire mirror each other."
            )

    @property
    def delay_us(self) -> float:
        """Nominal time from the response plane to the collection wires."""
        return float(self.field.start_mm / self.field.drift_speed_mm_per_us)

    @property
    def counts_per_electron(self) -> float:
        """ADC counts at the peak of the amplifier's response to one electron."""
        counts_per_mv = (2**self.adc_bits - 1) / self.adc_range_mv
        return float(self.gain_mv_per_fc * _ELECTRON_FC * counts_per_mv)

    def compute_signal(self, arrivals: Arrivals, detector: Detector, plane_index: int) -> Frame:
        """Compute the noise-free signal of a plane (0 U, 1 V, 2 W).

        The ticks of ``arrivals`` include the delay to the wires.

        Returns:
            ADC counts above the pedestal, shape (channel, tick).
        """
        plane = detector.planes[plane_index]
        waveforms = compute_waveforms(self, detector.tick_ns)[plane_index]
        start = arrivals.tick - 1e3 * self.delay_us / detector.tick_ns
        # Electrons that start before the readout still leave signal in it.
        early = waveforms.shape[-1]
        ticks = slice(early, early + detector.nticks)
        cells = self._fill_cells(arrivals, plane, start + early, ticks.stop)
        per_wire = np.zeros((plane.wires, detector.nticks), dtype=np.float32)
        hit = np.flatnonzero(cells.any(axis=(1, 2)))
        if len(hit):
            # Wires further away than the field response reaches see nothing.
            reach = len(waveforms) // 2
            seen = slice(max(hit[0] - reach, 0), hit[-1] + reach + 1)
            per_wire[seen] = _convolve(cells[seen], waveforms)[:, ticks]
        return plane.fold(per_wire)

    def _fill_cells(
        self, arrivals: Arrivals, plane: WirePlane, start: FloatArray, ticks: int
    ) -> Frame:
        """Return electrons per impact position and tick, shape (wire, impact, tick)."""
        impacts = self.field.impacts
        cells = np.zeros((plane.wires * impacts, ticks), dtype=np.float32)
        across = (plane.wire_number(arrivals.y, arrivals.z) + 0.5) * impacts
        sigma = arrivals.sigma_mm / plane.pitch_mm * impacts
        add_clouds(cells, (across, sigma), (start, arrivals.sigma_tick), arrivals.electrons)
        return cells.reshape(plane.wires, impacts, ticks)

    def digitise(self, waveforms: Frame, plane_index: int) -> NDArray[np.int16]:
        """Convert ADC counts above the pedestal of U, V or W to those of the digitiser, clipped."""
        top = 2**self.adc_bits - 1
        counts = np.rint(waveforms + np.float32(self.baseline_adc[plane_index]))
        return np.asarray(np.clip(counts, 0, top, out=counts), dtype=np.int16)


@lru_cache(maxsize=4)  # takes seconds, and every event needs it
def compute_waveforms(response: Response, tick_ns: float) -> FloatArray:
    """Compute the waveforms of one electron that starts at the response plane at tick 0.

    Returns:
        ADC counts, shape (plane, wire offset, impact, tick).

    Raises:
        SimulationError: the tick is no multiple of the field response's sampling period.
    """
    field = response.field
    stride = 1e-3 * tick_ns / field.period_us
    if abs(stride - round(stride)) > 1e-6:
        raise SimulationError(
            f"A tick of {tick_ns} ns is no multiple of the field response's sampling period of "
            f"{field.period_us} us; choose a response.field.period_us that divides it."
        )
    currents = compute_induced_currents(field)
    # The field response and the tail of the amplifier.
    ticks = int(np.ceil(1e3 * (field.duration_us + 10 * response.peaking_us) / tick_ns))
    length = ticks * round(stride)
    size = scipy.fft.next_fast_len(length + currents.shape[-1], real=True)
    time_us = field.period_us * np.arange(length, dtype=np.float64)
    shaper = cold_electronics(time_us, response.peaking_us)
    shaper *= response.counts_per_electron
    spectrum = scipy.fft.rfft(currents, size) * scipy.fft.rfft(shaper, size)
    waveforms = scipy.fft.irfft(spectrum, size)[..., : length : round(stride)]
    waveforms.setflags(write=False)
    return np.asarray(waveforms)


def _convolve(cells: Frame, waveforms: FloatArray) -> Frame:
    """Convolve cells (wire, impact, tick) with waveforms (wire offset, impact, tick).

    The result (wire, tick) is summed over impacts and cut to the ticks of the cells.
    """
    wires, impacts, ticks = cells.shape
    rows = scipy.fft.next_fast_len(wires + len(waveforms) - 1)
    columns = scipy.fft.next_fast_len(ticks + waveforms.shape[-1], real=True)
    total = np.zeros((rows, columns // 2 + 1), dtype=np.complex64)
    for impact in range(impacts // 2):
        # The transform in time first: few rows of the kernel are not empty.
        kernel = scipy.fft.rfft(waveforms[:, impact].astype(np.float32), columns)
        kernel = scipy.fft.fft(wrap_wires(kernel, rows), axis=0, overwrite_x=True)
        for left in (True, False):
            charge = cells[:, impact if left else impacts - 1 - impact]
            charge = scipy.fft.fft(scipy.fft.rfft(charge, columns), rows, axis=0, overwrite_x=True)
            charge[0] *= kernel[0]
            # On the other side of the wire the waveforms are mirror images: negative wave numbers.
            charge[1:] *= kernel[1:] if left else kernel[:0:-1]
            total += charge
    signal = scipy.fft.ifft(total, axis=0, overwrite_x=True)[:wires]
    return np.asarray(scipy.fft.irfft(signal, columns, overwrite_x=True)[:, :ticks])


def wrap_wires(waveforms: NDArray[Any], rows: int) -> NDArray[Any]:
    """Pad waveforms or spectra (wire offset, ...) to ``rows`` for a cyclic convolution.

    Offset 0 comes to row 0, negative offsets to the last rows.
    """
    padded = np.pad(waveforms, ((0, rows - len(waveforms)), (0, 0)))
    return np.roll(padded, -(len(waveforms) // 2), axis=0)
