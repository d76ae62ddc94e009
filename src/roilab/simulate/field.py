"""Currents that a drifting electron induces on the wires, from two-dimensional electrostatics.

The planes are cut across the wires: every wire is a line charge, the planes of shielding, U, V
and W wires are parallel, a grounded mesh lies behind the last one. Two problems are solved in
the thin-wire limit, both with image charges for the mesh:

* the *drift field*: periodic planes at their bias voltages in the uniform drift field; electrons
  follow it with the mobility of liquid argon;
* the *weighting potential* of one wire: that wire at 1 V, every other conductor at 0 V.

By the Shockley-Ramo theorem the charge induced on the wire is minus the electron's charge times
the weighting potential where the electron is; the current is its time derivative. Electrons pass
the U and V planes (bipolar, no net charge) and end on W (unipolar, the whole charge).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Mobility of electrons in liquid argon [cm^2/V/s] against field [kV/cm] at 89 K:
# Y. Li et al., Nucl. Instrum. Meth. A 816 (2016) 160, arXiv:1508.07059, table 4.
_MOBILITY = (551.6, 7953.7, 4440.43, 4.29, 43.63, 0.2053)


@dataclass(frozen=True)
class WireField:
    """The wire planes as the field calculation sees them, and how finely it is sampled.

    Attributes:
        pitch_mm: distance of neighbouring wires, common to all planes in this cut.
        gap_mm: distance of neighbouring planes, and of the mesh behind the last.
        radius_mm: wire radius.
        bias_volts: voltages of the shielding, U, V and W planes.
        drift_field_kv_per_cm: field far from the wires.
        drift_speed_mm_per_us: speed far from the wires; the mobility is scaled to give it.
        start_mm: distance from the W plane at which the electrons start.
        duration_us: length of the current waveforms.
        period_us: their sampling period.
        neighbours: wires on either side whose current is kept.
        impacts: starting positions across one pitch, at the middles of equal parts.
    """

    pitch_mm: float
    gap_mm: float
    radius_mm: float
    bias_volts: tuple[float, float, float, float]
    drift_field_kv_per_cm: float
    drift_speed_mm_per_us: float
    start_mm: float
    duration_us: float
    period_us: float
    neighbours: int
    impacts: int

    def __post_init__(self) -> None:
        # Lists from YAML become tuples, so that equal settings share one cached result.
        object.__setattr__(self, "bias_volts", tuple(self.bias_volts))

    @property
    def heights_mm(self) -> Array:
        """Height of the shielding, U, V and W planes above W, shape (4,)."""
        return self.gap_mm * np.array([3.0, 2.0, 1.0, 0.0])

    @property
    def samples(self) -> int:
        """Samples of a current waveform."""
        return round(self.duration_us / self.period_us)


def drift_speed(field_kv_per_cm: Array) -> Array:
    """Drift speed of electrons in liquid argon at 89 K [mm/us] for a field [kV/cm]."""
    a0, a1, a2, a3, a4, a5 = _MOBILITY
    e = field_kv_per_cm
    mobility = (a0 + a1 * e + a2 * e**1.5 + a3 * e**2.5) / (
        1 + (a1 / a0) * e + a4 * e**2 + a5 * e**3
    )
    # cm^2/V/s times kV/cm is 1e3 cm/s, which is 1e-2 mm/us.
    return mobility * e * 1e-2


def _plane_terms(field: WireField, x: Array, y: Array) -> list[tuple[Array, Array, Array]]:
    """Potential and its gradient of a unit-charge periodic plane and its image, per plane."""
    k = 2 * np.pi / field.pitch_mm
    terms = []
    for height in field.heights_mm:
        image = -2 * field.gap_mm - height
        total = np.zeros((3, *np.broadcast_shapes(x.shape, y.shape)))
        for sign, source in ((1.0, height), (-1.0, image)):
            # cosh and sinh of large arguments are kept finite by dividing by cosh.
            u = k * (y - source)
            cosh, cos = np.cosh(np.clip(u, -300, 300)), np.cos(k * x)
            denominator = cosh - cos
            total[0] -= sign * np.log(2 * denominator)
            total[1] -= sign * k * np.sin(k * x) / denominator
            total[2] -= sign * k * np.sinh(np.clip(u, -300, 300)) / denominator
        terms.append((total[0], total[1], total[2]))
    return terms


def _plane_charges(field: WireField) -> Array:
    """Charges of the four planes that put every wire at its bias voltage [kV], shape (4,)."""
    surface = np.array([field.radius_mm])
    matrix = np.empty((4, 4))
    for row, height in enumerate(field.heights_mm):
        terms = _plane_terms(field, surface, np.array([height]))
        matrix[row] = [term[0][0] for term in terms]
    external = -0.1 * field.drift_field_kv_per_cm * (field.heights_mm + field.gap_mm)
    wanted = 1e-3 * np.asarray(field.bias_volts) - external
    return np.asarray(np.linalg.solve(matrix, wanted))


def drift_paths(field: WireField) -> tuple[Array, Array]:
    """Where the electrons are at every sample.

    Returns:
        Positions across and above the wires [mm], each of shape (impact, sample). Half of the
        impact positions suffices: the others mirror them. An electron that has reached its
        wire stays there.
    """
    charges = _plane_charges(field)
    half = field.impacts // 2
    x = ((np.arange(half) + 0.5) / field.impacts) * field.pitch_mm
    y = np.full(half, field.start_mm)
    scale = field.drift_speed_mm_per_us / drift_speed(np.array([field.drift_field_kv_per_cm]))[0]
    substeps = 4
    dt = field.period_us / substeps
    alive = np.ones(half, dtype=bool)

    def velocity(x: Array, y: Array) -> tuple[Array, Array]:
        terms = _plane_terms(field, x, y)
        # Electrons climb the potential; kV/mm to kV/cm is a factor 10.
        grad_x = 10 * sum(q * term[1] for q, term in zip(charges, terms, strict=True))
        grad_y = 10 * sum(q * term[2] for q, term in zip(charges, terms, strict=True))
        grad_y = grad_y - field.drift_field_kv_per_cm
        strength = np.hypot(grad_x, grad_y)
        speed = scale * drift_speed(strength)
        return speed * grad_x / strength, speed * grad_y / strength

    xs, ys = np.empty((half, field.samples)), np.empty((half, field.samples))
    for sample in range(field.samples):
        xs[:, sample], ys[:, sample] = x, y
        for _ in range(substeps):
            if not alive.any():
                break
            vx, vy = velocity(x, y)
            vx, vy = velocity(x + 0.5 * dt * vx, y + 0.5 * dt * vy)
            x, y = np.where(alive, x + dt * vx, x), np.where(alive, y + dt * vy, y)
            across = x - field.pitch_mm * np.round(x / field.pitch_mm)
            alive &= (np.hypot(across, y) > 2 * field.radius_mm) & (y > -field.gap_mm)
    return xs, ys


def _wire_charges(field: WireField, plane: int, reach: int) -> tuple[Array, Array, Array]:
    """Line charges that put one wire at 1 V and all others at 0 V: x, y and charge of each."""
    across = field.pitch_mm * np.arange(-reach, reach + 1)
    x = np.tile(across, 4)
    y = np.repeat(field.heights_mm, len(across))
    dx = x[:, None] - x[None, :]
    near = np.hypot(dx, y[:, None] - y[None, :])
    np.fill_diagonal(near, field.radius_mm)
    mirrored = np.hypot(dx, y[:, None] + 2 * field.gap_mm + y[None, :])
    wanted = np.zeros(len(x))
    wanted[plane * len(across) + reach] = 1.0
    return x, y, np.linalg.solve(np.log(mirrored / near), wanted)


def weighting_potential(field: WireField, plane: int, x: Array, y: Array) -> Array:
    """Weighting potential of the central wire of a plane (1 U, 2 V, 3 W) at points [mm]."""
    wire_x, wire_y, charge = _wire_charges(field, plane, reach=2 * field.neighbours)
    total = np.zeros(x.shape)
    for px, py, q in zip(wire_x, wire_y, charge, strict=True):
        across = (x - px) ** 2
        near = np.maximum(across + (y - py) ** 2, field.radius_mm**2)
        total += 0.5 * q * np.log((across + (y + 2 * field.gap_mm + py) ** 2) / near)
    return total


@lru_cache(maxsize=4)
def induced_currents(field: WireField) -> Array:
    """Currents on the wires around an electron that starts at rest far from them.

    Returns:
        Charge per sample, in units of the electron's charge, positive where electrons are
        collected: shape (plane, wire offset, impact, sample), offsets from ``-neighbours``.
    """
    xs, ys = drift_paths(field)
    half, wires = field.impacts // 2, 2 * field.neighbours + 1
    offsets = np.arange(-field.neighbours, field.neighbours + 1)
    currents = np.empty((3, wires, 2 * half, field.samples))
    for plane in range(3):
        x = xs[None] - field.pitch_mm * offsets[:, None, None]
        potential = weighting_potential(field, plane + 1, x, np.broadcast_to(ys, x.shape))
        # The last step, onto the W wire in the middle: all of its charge, none of the others'.
        potential[..., -1] = ((offsets == 0) & (plane == 2))[:, None]
        right = np.diff(potential, axis=-1, prepend=potential[..., :1])
        currents[plane, :, half:] = right
        # The mirror image: the same electron left of the wire, seen by the wire on the other side.
        currents[plane, :, :half] = right[::-1, ::-1]
    currents.setflags(write=False)
    return currents
