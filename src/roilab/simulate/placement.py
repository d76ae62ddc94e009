"""Place tracks and showers at a given angle to a wire plane inside the drift volume."""

from collections.abc import Sequence

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.errors import SimulationError
from roilab.types import FloatArray

# Ticks kept free at both ends of the readout, for field response, shaping and filters.
_MARGIN_TICKS = 150


def check_angles(theta_xz_deg: Sequence[float]) -> None:
    """Check that there are angles theta_xz, all from 0 to 90 degrees.

    Raises:
        SimulationError: there is none, or one is outside.
    """
    if not theta_xz_deg:
        raise SimulationError("theta_xz_deg is empty: expected at least one angle.")
    for angle in theta_xz_deg:
        if not 0 <= angle <= 90:
            raise SimulationError(
                f"theta_xz is {angle} degrees: expected 0 (along the pitch) to 90 (along the "
                "drift)."
            )


def compute_direction(
    detector: Detector, plane: str, theta_xz_deg: float, sign: int = 1, theta_y_deg: float = 90.0
) -> FloatArray:
    """Return the unit vector (x, y, z) of given angles in the coordinates of plane u, v or w.

    ``theta_xz_deg`` is 0 along the pitch, where ``sign`` is the direction, and 90 along the drift;
    ``theta_y_deg`` is the angle to the wires.
    """
    theta, theta_y = np.radians(theta_xz_deg), np.radians(theta_y_deg)
    pitch = detector.plane(plane).direction
    wire = np.array([-pitch[1], pitch[0]])
    y, z = sign * np.cos(theta) * np.sin(theta_y) * pitch + np.cos(theta_y) * wire
    return np.array([np.sin(theta) * np.sin(theta_y), y, z])


def place(
    detector: Detector, path: FloatArray, margin_mm: float, name: str, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """Draw a start [mm] and a time [ns] at which a track lies in the drift volume and the readout.

    ``path`` is the vector from start to end [mm]; ``name`` names the track in the error.

    Raises:
        SimulationError: the track does not fit, with a distance of ``margin_mm`` to the borders.
    """
    low, high = detector.corners
    points = np.stack([0 * path, path])
    first = low + margin_mm - points.min(axis=0)
    last = high - margin_mm - points.max(axis=0)
    ns_per_mm = 1e3 / detector.drift_speed_mm_per_us
    window = detector.readout_ns - 2 * _MARGIN_TICKS * detector.tick_ns
    if (last < first).any() or np.ptp(points[:, 0]) * ns_per_mm > window:
        raise SimulationError(
            f"{name} is {np.ptp(points, axis=0).round().tolist()} mm long in x, y and z: it does "
            f"not fit into the drift volume of {(high - low).round().tolist()} mm with a margin of "
            f"{margin_mm} mm, or into the readout window of {detector.readout_ns / 1e6:.2f} ms; "
            "choose a shorter one or a larger detector."
        )
    start = rng.uniform(first, last)
    distance = detector.drift_sign * (detector.wire_x_mm - start[0] - points[:, 0])
    drift = distance * ns_per_mm
    begin = detector.tick0_ns + _MARGIN_TICKS * detector.tick_ns
    return start, float(rng.uniform(begin - drift.min(), begin + window - drift.max()))
