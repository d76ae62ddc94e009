"""Placing tracks and showers of a given angle to a wire plane inside the drift volume."""

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.simulate.errors import SimulationError

Array = NDArray[np.float64]

# Ticks left free at either end of the readout: field response, shaping and filters reach there.
_MARGIN_TICKS = 150


def check_angle(theta_xz_deg: float) -> None:
    """Refuse angles that are none.

    Raises:
        SimulationError: not within 0 to 90 degrees.
    """
    if not 0 <= theta_xz_deg <= 90:
        raise SimulationError(
            f"theta_xz is {theta_xz_deg} degrees: expected 0 (along the pitch) to 90 (along the "
            "drift)."
        )


def direction_at(
    detector: Detector,
    plane: str,
    theta_xz_deg: float,
    sign: int = 1,
    theta_y_deg: float = 90.0,
) -> Array:
    """Unit vector (x, y, z) at an angle in the coordinates of a plane.

    Args:
        detector: geometry.
        plane: ``u``, ``v`` or ``w``.
        theta_xz_deg: 0 along the pitch, 90 along the drift.
        sign: direction along the pitch, 1 or -1.
        theta_y_deg: angle to the wires; 90 is perpendicular to them.
    """
    theta, theta_y = np.radians(theta_xz_deg), np.radians(theta_y_deg)
    pitch = detector.plane(plane).direction
    wire = np.array([-pitch[1], pitch[0]])
    y, z = sign * np.cos(theta) * np.sin(theta_y) * pitch + np.cos(theta_y) * wire
    return np.array([np.sin(theta) * np.sin(theta_y), y, z])


def place(
    detector: Detector, shape: Array, margin_mm: float, what: str, rng: np.random.Generator
) -> tuple[Array, float]:
    """Where and when a thing of given shape may happen, wholly inside and wholly read out.

    Args:
        detector: drift volume and clock.
        shape: points of it relative to its start, (point, 3) [mm].
        margin_mm: distance kept from the borders.
        what: its name, for the error.
        rng: source of randomness.

    Returns:
        Its start [mm] and time [ns].

    Raises:
        SimulationError: it does not fit.
    """
    low, high = detector.corners
    first = low + margin_mm - shape.min(axis=0)
    last = high - margin_mm - shape.max(axis=0)
    ns_per_mm = 1e3 / detector.drift_speed_mm_per_us
    window = detector.readout_ns - 2 * _MARGIN_TICKS * detector.tick_ns
    if (last < first).any() or np.ptp(shape[:, 0]) * ns_per_mm > window:
        raise SimulationError(
            f"{what} is {np.ptp(shape, axis=0).round().tolist()} mm long in x, y and z: it does "
            f"not fit into the drift volume of {(high - low).round().tolist()} mm with a margin of "
            f"{margin_mm} mm, or into the readout window of {detector.readout_ns / 1e6:.2f} ms; "
            "choose a shorter one or a larger detector."
        )
    start = rng.uniform(first, last)
    distance = detector.drift_sign * (detector.wire_x_mm - start[0] - shape[:, 0])
    drift = distance * ns_per_mm
    begin = detector.tick0_ns + _MARGIN_TICKS * detector.tick_ns
    return start, float(rng.uniform(begin - drift.min(), begin + window - drift.max()))
