"""Currents that a drifting electron induces on the wires, from two-dimensional electrostatics.

In a cut across the wires every wire is a line charge; the planes of shielding (if any), U, V and W
wires are parallel, and a grounded plane lies behind W. Two problems are solved in the limit of thin
wires, with image charges for the grounded plane. The wires of all planes have the pitch of the
plane whose signal is computed:

* the *drift field*: periodic planes at their bias voltages in the uniform drift field; electrons
  follow it with the mobility of liquid argon;
* the *weighting potential* of one wire: that wire at 1 V, every other conductor at 0 V.

By the Shockley-Ramo theorem the charge induced on the wire is minus the electron's charge times
the weighting potential at the electron; the current is its time derivative. Electrons pass the U
and V planes (bipolar signal, no net charge) and end on W (unipolar signal, the full charge).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from roilab.simulate.errors import SimulationError
from roilab.types import FloatArray, Mask

# Mobility of electrons in liquid argon [cm^2/V/s] against field [kV/cm] at 89 K:
# Y. Li et al., Nucl. Instrum. Meth. A 816 (2016) 160, arXiv:1508.07059, table 4.
_MOBILITY = (551.6, 7953.7, 4440.43, 4.29, 43.63, 0.2053)
_SUBSTEPS = 4  # integration steps per sample of a drift path


@dataclass(frozen=True)
class WireField:
    """Wire planes of the field calculation, and its sampling.

    Settings ``field`` of ``conf/simulation/response/wires.yaml``, which documents every key.
    """

    pitch_mm: tuple[float, float, float]
    heights_mm: tuple[float, ...]
    ground_mm: float
    radius_mm: float
    bias_volts: tuple[float, ...]
    drift_field_kv_per_cm: float
    drift_speed_mm_per_us: float
    start_mm: float
    duration_us: float
    period_us: float
    neighbours: int
    impacts: int

    def __post_init__(self) -> None:
        # Lists from YAML become tuples, so that the field can be a key of the cache below.
        for name in ("pitch_mm", "heights_mm", "bias_volts"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.heights_mm) != len(self.bias_volts) or len(self.heights_mm) not in (3, 4):
            raise SimulationError(
                f"response.field: {len(self.heights_mm)} heights_mm and {len(self.bias_volts)} "
                "bias_volts; expected 3 of each, for U, V and W, or 4, the first for shielding "
                "wires. Correct the section field of the detector."
            )

    @property
    def u_plane(self) -> int:
        """Position of U among the planes: 1 behind shielding wires, else 0."""
        return len(self.heights_mm) - 3

    @property
    def samples(self) -> int:
        """Number of samples of a current waveform."""
        return round(self.duration_us / self.period_us)


def compute_drift_speed(field_kv_per_cm: FloatArray) -> FloatArray:
    """Return the drift speed of electrons [mm/us] in liquid argon at 89 K."""
    a0, a1, a2, a3, a4, a5 = _MOBILITY
    e = field_kv_per_cm
    mobility = (a0 + a1 * e + a2 * e**1.5 + a3 * e**2.5) / (
        1 + (a1 / a0) * e + a4 * e**2 + a5 * e**3
    )
    # cm^2/V/s times kV/cm is 1e3 cm/s, which is 1e-2 mm/us.
    return mobility * e * 1e-2


def _compute_plane_potentials(
    field: WireField, pitch: float, x: FloatArray, y: FloatArray
) -> FloatArray:
    """Return potential and gradient in x and y of planes of unit charge, (plane, 3, point)."""
    k = 2 * np.pi / pitch
    count = len(field.heights_mm)
    planes = np.zeros((count, 3, *np.broadcast_shapes(x.shape, y.shape)))
    for total, height in zip(planes, field.heights_mm, strict=True):
        for sign, source in ((1.0, height), (-1.0, -2 * field.ground_mm - height)):  # and image
            # Clipped to keep cosh and sinh of large arguments finite.
            u = np.clip(k * (y - source), -300, 300)
            denominator = np.cosh(u) - np.cos(k * x)
            total[0] -= sign * np.log(2 * denominator)
            total[1] -= sign * k * np.sin(k * x) / denominator
            total[2] -= sign * k * np.sinh(u) / denominator
    return planes


def _solve_plane_charges(field: WireField, pitch: float) -> FloatArray:
    """Return the charges of the planes that put the wires at their voltages [kV], (plane,)."""
    surface, heights = np.array([field.radius_mm]), np.asarray(field.heights_mm)
    matrix = np.empty((len(heights), len(heights)))
    for row, height in enumerate(heights):
        matrix[row] = _compute_plane_potentials(field, pitch, surface, np.array([height]))[:, 0, 0]
    external = -0.1 * field.drift_field_kv_per_cm * (heights + field.ground_mm)
    return np.asarray(np.linalg.solve(matrix, 1e-3 * np.asarray(field.bias_volts) - external))


def _compute_velocity(
    field: WireField, pitch: float, charges: FloatArray, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the velocity of electrons at points in x and y [mm/us]."""
    nominal = compute_drift_speed(np.array([field.drift_field_kv_per_cm]))[0]
    planes = zip(charges, _compute_plane_potentials(field, pitch, x, y), strict=True)
    # Electrons move towards higher potential; kV/mm to kV/cm is a factor 10.
    _, grad_x, grad_y = 10 * sum(q * plane for q, plane in planes)
    grad_y = grad_y - field.drift_field_kv_per_cm
    strength = np.hypot(grad_x, grad_y)
    speed = field.drift_speed_mm_per_us / nominal * compute_drift_speed(strength)
    return speed * grad_x / strength, speed * grad_y / strength


@lru_cache(maxsize=4)  # the planes of most detectors have one pitch
def compute_drift_paths(field: WireField, pitch: float) -> tuple[FloatArray, FloatArray]:
    """Return the positions of the electrons across and above the wires [mm], (impact, sample).

    ``pitch`` is the distance of neighbouring wires [mm]. Half of the impact positions are computed:
    the others are mirror images. An electron stays where it reaches a wire.
    """
    charges = _solve_plane_charges(field, pitch)
    half = field.impacts // 2
    x = ((np.arange(half) + 0.5) / field.impacts) * pitch
    y = np.full(half, field.start_mm)
    dt = field.period_us / _SUBSTEPS
    moving: Mask = np.ones(half, dtype=bool)
    xs, ys = np.empty((half, field.samples)), np.empty((half, field.samples))
    for sample in range(field.samples):
        xs[:, sample], ys[:, sample] = x, y
        for _ in range(_SUBSTEPS):
            if not moving.any():
                break
            # The midpoint method.
            vx, vy = _compute_velocity(field, pitch, charges, x, y)
            half_x, half_y = x + 0.5 * dt * vx, y + 0.5 * dt * vy
            vx, vy = _compute_velocity(field, pitch, charges, half_x, half_y)
            x, y = np.where(moving, x + dt * vx, x), np.where(moving, y + dt * vy, y)
            across = x - pitch * np.round(x / pitch)
            moving &= (np.hypot(across, y) > 2 * field.radius_mm) & (y > -field.ground_mm)
    return xs, ys


def _solve_wire_charges(
    field: WireField, pitch: float, plane: int, reach: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return x, y and charge of line charges that put one wire at 1 V and all others at 0 V."""
    across = pitch * np.arange(-reach, reach + 1)
    x = np.tile(across, len(field.heights_mm))
    y = np.repeat(field.heights_mm, len(across))
    dx = x[:, None] - x[None, :]
    direct = np.hypot(dx, y[:, None] - y[None, :])
    np.fill_diagonal(direct, field.radius_mm)
    to_image = np.hypot(dx, y[:, None] + 2 * field.ground_mm + y[None, :])
    potential = np.zeros(len(x))
    potential[plane * len(across) + reach] = 1.0
    return x, y, np.linalg.solve(np.log(to_image / direct), potential)


def compute_weighting_potential(
    field: WireField, plane: int, x: FloatArray, y: FloatArray
) -> FloatArray:
    """Return the weighting potential of a central wire (0 U, 1 V, 2 W) at points [mm]."""
    pitch, number = field.pitch_mm[plane], field.u_plane + plane
    wire_x, wire_y, charge = _solve_wire_charges(field, pitch, number, reach=2 * field.neighbours)
    total = np.zeros(x.shape)
    for px, py, q in zip(wire_x, wire_y, charge, strict=True):
        across = (x - px) ** 2
        direct = np.maximum(across + (y - py) ** 2, field.radius_mm**2)
        total += 0.5 * q * np.log((across + (y + 2 * field.ground_mm + py) ** 2) / direct)
    return total


@lru_cache(maxsize=4)
def compute_induced_currents(field: WireField) -> FloatArray:
    """Return the currents on the wires around an electron that drifts towards them.

    Charge per sample in units of the electron's charge, positive where electrons are collected;
    shape (plane, wire offset, impact, sample), offsets from ``-neighbours``.
    """
    half, wires = field.impacts // 2, 2 * field.neighbours + 1
    offsets = np.arange(-field.neighbours, field.neighbours + 1)
    currents = np.empty((3, wires, 2 * half, field.samples))
    for plane, pitch in enumerate(field.pitch_mm):
        xs, ys = compute_drift_paths(field, pitch)
        x = xs[None] - pitch * offsets[:, None, None]
        potential = compute_weighting_potential(field, plane, x, np.broadcast_to(ys, x.shape))
        # The last step ends on the central W wire: it gets the full charge, the others none.
        potential[..., -1] = ((offsets == 0) & (plane == 2))[:, None]
        right = np.diff(potential, axis=-1, prepend=potential[..., :1])
        currents[plane, :, half:] = right
        # An electron left of the wire is the mirror image, with wire offsets reversed.
        currents[plane, :, :half] = right[::-1, ::-1]
    currents.setflags(write=False)
    return currents
