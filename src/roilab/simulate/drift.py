"""Drift electrons to the wires: attenuation, diffusion and arrival."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions
from roilab.types import FloatArray, Frame, IntArray

# A Gaussian is cut at this many widths, with less than 4e-5 of it on either side; the rest is
# normalised, so that no charge is lost.
_CUT_SIGMA = 4.0
_CLOUDS_AT_ONCE = 4096


@dataclass(frozen=True)
class Arrivals:
    """Electrons at the response plane, as Gaussian clouds; each array has shape (cloud,)."""

    tick: FloatArray  # centre in time, in ticks of the readout (a real number)
    y: FloatArray  # centre [mm]
    z: FloatArray
    electrons: FloatArray  # left after attachment
    sigma_tick: FloatArray  # width in time [ticks]
    sigma_mm: FloatArray  # width across the wires [mm]


def drift_electrons(depositions: Depositions, detector: Detector, delay_us: float) -> Arrivals:
    """Drift electrons to the response plane.

    Charge outside the drift volume is lost. After the drift time t, diffusion has widened a cloud
    to ``sqrt(2 D t)`` and attachment has left ``exp(-t / lifetime)`` of it. The arrival time
    includes ``delay_us``, the time from the response plane to the wires.
    """
    x, y, z = depositions.position.T
    distance = detector.drift_sign * (detector.wire_x_mm - x)
    inside = (distance > 0) & (distance <= detector.drift_mm) & detector.inside(y, z)
    kept = depositions.select(inside)
    # Charge freed between the response plane and the wires is moved back to that plane: its path
    # and drift time are negative.
    path = distance[inside] - detector.response_plane_mm
    time_us = path / detector.drift_speed_mm_per_us
    drifted_us = np.maximum(time_us, 0.0)
    # 1 cm^2/s is 1e-4 mm^2/us.
    sigma_long = np.sqrt(2e-4 * detector.diffusion_long_cm2_per_s * drifted_us)
    sigma_tran = np.sqrt(2e-4 * detector.diffusion_tran_cm2_per_s * drifted_us)
    arrival_ns = kept.time_ns + 1e3 * (time_us + delay_us)
    return Arrivals(
        tick=(arrival_ns - detector.tick0_ns) / detector.tick_ns,
        y=kept.position[:, 1],
        z=kept.position[:, 2],
        electrons=kept.electrons * np.exp(-1e-3 * drifted_us / detector.lifetime_ms),
        sigma_tick=1e3 * sigma_long / detector.drift_speed_mm_per_us / detector.tick_ns,
        sigma_mm=sigma_tran,
    )


def add_clouds(
    grid: Frame,
    across: tuple[FloatArray, FloatArray],
    along: tuple[FloatArray, FloatArray],
    electrons: FloatArray,
    modulo: int | None = None,
) -> None:
    """Add Gaussian clouds to a grid of unit cells; charge outside the grid is dropped.

    Args:
        grid: shape (row, tick), changed in place.
        across: centre and width of the clouds in rows; cell i reaches from i to i + 1.
        along: centre and width in ticks.
        electrons: charge of every cloud.
        modulo: number of rows before they wrap around: row ``i`` is added to row ``i`` modulo the
            grid's rows (wrapped wires). By default nothing wraps.
    """
    rows = modulo or grid.shape[0]
    # Clouds of similar width go together: all of a batch get as many bins as the widest.
    order = np.argsort(across[1], kind="stable")
    for start in range(0, len(order), _CLOUDS_AT_ONCE):
        batch = order[start : start + _CLOUDS_AT_ONCE]
        # A cloud is the product of its shares in rows and ticks; the sum over clouds is a product
        # of matrices, which are sparse.
        in_rows = _make_shares(across[0][batch], across[1][batch], rows)
        in_ticks = _make_shares(along[0][batch], along[1][batch], grid.shape[1])
        in_rows.data *= np.repeat(electrons[batch], np.diff(in_rows.indptr))
        total = (in_rows.T.tocsr() @ in_ticks).tocoo()
        for first in range(0, rows, grid.shape[0]):  # each row once at a time
            inside = (total.row >= first) & (total.row < first + grid.shape[0])
            cells = total.row[inside] - first, total.col[inside]
            grid[cells] += total.data[inside].astype(np.float32)


def _make_shares(centre: FloatArray, sigma: FloatArray, bins: int) -> csr_array:
    """Return the shares of Gaussians in unit bins, (cloud, bin); bins outside are left out."""
    first, share = _integrate_bins(centre, sigma)
    column = first[:, None] + np.arange(share.shape[1])
    inside = (column >= 0) & (column < bins)
    ends = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    matrix = csr_array((share[inside], column[inside], ends), shape=(len(centre), bins))
    return matrix


def _integrate_bins(centre: FloatArray, sigma: FloatArray) -> tuple[IntArray, FloatArray]:
    """Integrate Gaussians over unit bins: first bin (cloud,), and shares (cloud, bin) of sum 1."""
    sigma = np.maximum(sigma, 1e-3)
    half = int(np.ceil(_CUT_SIGMA * sigma.max())) + 1
    first = np.floor(centre).astype(np.int64) - half
    edges = first[:, None] + np.arange(2 * half + 2)
    share = np.diff(ndtr((edges - centre[:, None]) / sigma[:, None]), axis=1)
    return first, share / share.sum(axis=1, keepdims=True)
