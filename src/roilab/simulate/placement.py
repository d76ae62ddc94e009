"""Place tracks and showers at a given angle to a wire plane inside the drift volume."""

from collections.abc import Sequence

import numpy as np

from roilab.detectors.detector import PLANE_NAMES, Detector
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


def check_limits(settings: object, names: Sequence[str]) -> None:
    """Check that settings are pairs of numbers: smallest and largest, 0 or more.

    Args:
        settings: object with the settings as attributes.
        names: of the attributes.

    Raises:
        SimulationError: the first number of a pair is negative, or larger than the second.
    """
    for name in names:
        low, high = getattr(settings, name)
        if not 0 <= low <= high:
            raise SimulationError(
                f"{name} is [{low}, {high}]: expected two numbers, smallest first, 0 or more."
            )


def check_planes(planes: Sequence[str]) -> None:
    """Check that there are wire planes, all of them u, v or w.

    Raises:
        SimulationError: there is none, or one is unknown.
    """
    unknown = [plane for plane in planes if plane.lower() not in PLANE_NAMES]
    if unknown or not planes:
        raise SimulationError(
            f"The wire planes of angles are {', '.join(unknown) or 'none'}: expected some of "
            f"{', '.join(PLANE_NAMES)}."
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


def draw_inclined(
    detector: Detector,
    plane: str,
    theta_xz_deg: tuple[float, float],
    theta_y_deg: tuple[float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Draw the unit vector (x, y, z) of a direction at given angles to a plane u, v or w.

    The angles are uniform between their limits, see ``compute_direction``.
    """
    theta, sign = rng.uniform(*theta_xz_deg), int(rng.choice([-1, 1]))
    return compute_direction(detector, plane, theta, sign, rng.uniform(*theta_y_deg))


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
