"""Electrons on their way to the wires: attenuation, diffusion and arrival."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions

Array = NDArray[np.float64]

# A Gaussian is cut where less than 3e-5 of it lies beyond either end; what lies beyond is
# given back by normalising, so that no charge is lost.
_REACH = 4.0
_GROUPS_AT_ONCE = 4096


@dataclass(frozen=True)
class Arrivals:
    """Electrons at the response plane, as Gaussian clouds.

    Attributes:
        tick: centre in time, in ticks of the readout (a real number), shape (group,).
        y: centre [mm]. z: centre [mm].
        electrons: electrons left.
        sigma_tick: width in time [ticks].
        sigma_mm: width across.
    """

    tick: Array
    y: Array
    z: Array
    electrons: Array
    sigma_tick: Array
    sigma_mm: Array


def drift(depositions: Depositions, detector: Detector, response_us: float) -> Arrivals:
    """Drift electrons to the response plane.

    What lies outside the drift volume is lost. Diffusion widens the cloud to
    ``sqrt(2 D t)`` and attachment leaves ``exp(-t / lifetime)`` of it after the time t.

    Args:
        depositions: the electrons freed.
        detector: drift volume and liquid.
        response_us: time from the response plane to the wires, added to the arrival.
    """
    x, y, z = depositions.position.T
    distance = detector.drift_sign * (detector.wire_x_mm - x)
    kept = (distance > 0) & (distance <= detector.drift_mm) & detector.inside(y, z)
    chosen = depositions.select(kept)
    way = distance[kept] - detector.response_plane_mm
    # Charge freed beyond the response plane is carried back to it, early by the same way.
    time_us = way / detector.drift_speed_mm_per_us
    drifted_us = np.maximum(time_us, 0.0)
    # 1 cm^2/s is 1e-4 mm^2/us.
    long = np.sqrt(2e-4 * detector.diffusion_long_cm2_per_s * drifted_us)
    tran = np.sqrt(2e-4 * detector.diffusion_tran_cm2_per_s * drifted_us)
    arrival_ns = chosen.time_ns + 1e3 * (time_us + response_us)
    return Arrivals(
        tick=(arrival_ns - detector.tick0_ns) / detector.tick_ns,
        y=chosen.position[:, 1],
        z=chosen.position[:, 2],
        electrons=chosen.electrons * np.exp(-1e-3 * drifted_us / detector.lifetime_ms),
        sigma_tick=1e3 * long / detector.drift_speed_mm_per_us / detector.tick_ns,
        sigma_mm=tran,
    )


def _shares(centre: Array, sigma: Array) -> tuple[NDArray[np.int64], Array]:
    """Share of Gaussians in unit bins: first bin (group,) and shares (group, bin), each sum 1."""
    sigma = np.maximum(sigma, 1e-3)
    half = int(np.ceil(_REACH * sigma.max())) + 1
    first = np.floor(centre).astype(np.int64) - half
    edges = first[:, None] + np.arange(2 * half + 2)
    share = np.diff(ndtr((edges - centre[:, None]) / sigma[:, None]), axis=1)
    return first, share / share.sum(axis=1, keepdims=True)


def spread(
    grid: NDArray[np.float32],
    across: tuple[Array, Array],
    along: tuple[Array, Array],
    electrons: Array,
    modulo: int | None = None,
) -> None:
    """Add Gaussian clouds to a grid of unit cells.

    Args:
        grid: shape (row, tick), added to in place; what falls outside is dropped.
        across: centre and width of the clouds in rows, cell i reaching from i to i + 1.
        along: centre and width in ticks.
        electrons: charge of every cloud.
        modulo: rows beyond this number are counted from 0 again (wrapped wires).
    """
    rows, ticks = grid.shape
    flat = grid.reshape(-1)
    # Clouds of like width go together, so that the narrow ones do not pay for the wide.
    order = np.argsort(across[1], kind="stable")
    for start in range(0, len(order), _GROUPS_AT_ONCE):
        part = order[start : start + _GROUPS_AT_ONCE]
        first_row, row_share = _shares(across[0][part], across[1][part])
        first_tick, tick_share = _shares(along[0][part], along[1][part])
        row = first_row[:, None] + np.arange(row_share.shape[1])
        tick = first_tick[:, None] + np.arange(tick_share.shape[1])
        row_share[(row < 0) | (row >= (modulo or rows))] = 0.0
        tick_share[(tick < 0) | (tick >= ticks)] = 0.0
        charge = (electrons[part, None] * row_share)[:, :, None] * tick_share[:, None, :]
        cell = (
            np.clip(row, 0, None)[:, :, None] % rows * ticks
            + np.clip(tick, 0, ticks - 1)[:, None, :]
        )
        used = charge != 0
        np.add.at(flat, cell[used], charge[used].astype(np.float32))
