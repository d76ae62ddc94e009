"""The detector: one drift volume read by an anode plane assembly (APA) with planes U, V and W.

Coordinates [mm]: x along the drift, y up, z along the beam. Wires are counted along the plane's
pitch direction. Wires that wrap around the APA share a channel: the channel of wire ``j`` is
``j`` modulo the number of channels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roilab.detectors.anode import AnodeField, Electronics, Numbering, make_tuples
from roilab.detectors.errors import DetectorError
from roilab.types import Frame, Mask

Array = NDArray[np.float64]

PLANE_NAMES = ("u", "v", "w")


@dataclass(frozen=True)
class WirePlane:
    """One wire plane of one face of an APA.

    It has more channels than wires if it also reads the other face, fewer if wires wrap around.
    """

    pitch_mm: float  # distance of neighbouring wires
    pitch_angle_deg: float  # direction in which the wire number grows, from +z towards +y
    wires: int  # on the active face
    channels: int
    first_wire_mm: float  # position of wire 0 along the pitch direction

    def __post_init__(self) -> None:
        if self.pitch_mm <= 0:
            raise DetectorError(f"Wire pitch {self.pitch_mm} mm: expected more than 0.")
        if self.wires < 1 or self.channels < 1:
            raise DetectorError(
                f"A wire plane of {self.wires} wires on {self.channels} channels: expected at "
                "least 1 of each."
            )

    @cached_property
    def direction(self) -> Array:
        """Return the unit vector of the pitch direction, (y, z)."""
        angle = np.radians(self.pitch_angle_deg)
        return np.array([np.sin(angle), np.cos(angle)])

    def wire_number(self, y: ArrayLike, z: ArrayLike) -> Array:
        """Return the wire number of points [mm]; it is an integer for a point on a wire."""
        position = self.direction[0] * np.asarray(y) + self.direction[1] * np.asarray(z)
        return np.asarray((position - self.first_wire_mm) / self.pitch_mm)

    def fold(self, per_wire: Frame) -> Frame:
        """Sum the wires of each channel: shape (wire, tick) to (channel, tick)."""
        folded = np.zeros((self.channels, per_wire.shape[1]), dtype=per_wire.dtype)
        for first in range(0, self.wires, self.channels):
            part = per_wire[first : first + self.channels]
            folded[: len(part)] += part
        return folded

    def angles(self, direction: ArrayLike) -> tuple[float, float]:
        """Return the angles of a track of direction (x, y, z) in the coordinates of this plane.

        Returns:
            theta_xz (0 along the pitch, 90 along the drift) and theta_y (angle to the wire), both
            between 0 and 90 degrees.
        """
        x, y, z = np.asarray(direction, dtype=float) / np.linalg.norm(direction)
        along_pitch = abs(self.direction @ (y, z))
        along_wire = abs(self.direction[1] * y - self.direction[0] * z)
        theta_xz = np.degrees(np.arctan2(abs(x), along_pitch))
        return float(theta_xz), float(np.degrees(np.arccos(min(along_wire, 1.0))))


@dataclass(frozen=True)
class Detector:
    """An APA with its drift volume, and the readout clock.

    The drift ends at the response plane: diffusion and attenuation beyond are neglected.
    """

    name: str
    apa: int  # number in which every tag ends
    first_channel: int  # global id of U's first channel; V and W follow
    u: WirePlane  # first induction plane
    v: WirePlane  # second induction plane
    w: WirePlane  # collection plane
    wire_x_mm: float  # of the collection plane
    drift_sign: int  # +1 where electrons drift towards larger x, else -1
    drift_mm: float  # from the collection plane to the cathode
    response_plane_mm: float  # from the collection plane to where the field response starts
    bottom_mm: float  # smallest y
    height_mm: float  # extent in y
    front_mm: float  # smallest z
    width_mm: float  # extent in z
    drift_speed_mm_per_us: float
    diffusion_long_cm2_per_s: float  # longitudinal
    diffusion_tran_cm2_per_s: float  # transverse
    lifetime_ms: float  # of electrons
    tick_ns: float  # length of a tick
    nticks: int  # in the readout window
    tick0_ns: float  # start of tick 0
    field: AnodeField  # of the wire planes
    electronics: Electronics
    layers: tuple[str, ...]  # tags that networks take, without APA number
    track_mm: float  # length of tracks that fit at every angle
    shower_mm: float  # the same of the axis of showers
    numbering: Numbering | None = None  # of the channels; None: U, V and W one after the other

    def __post_init__(self) -> None:
        make_tuples(self, "layers")
        if self.drift_sign not in (-1, 1):
            raise DetectorError(f"drift_sign is {self.drift_sign}: expected 1 or -1.")
        positive = ("drift_speed_mm_per_us", "lifetime_ms", "tick_ns", "nticks", "height_mm")
        for name in (*positive, "width_mm"):
            if getattr(self, name) <= 0:
                raise DetectorError(
                    f"Detector {self.name}: {name} is {getattr(self, name)}; expected more than 0."
                )
        if not 0 <= self.response_plane_mm < self.drift_mm:
            raise DetectorError(
                f"Detector {self.name}: the response plane lies {self.response_plane_mm} mm from "
                f"the wires; expected between 0 and the drift length of {self.drift_mm} mm."
            )

    @property
    def planes(self) -> tuple[WirePlane, WirePlane, WirePlane]:
        """Return the planes U, V and W."""
        return self.u, self.v, self.w

    @property
    def first_channels(self) -> tuple[int, int, int]:
        """Return the global ids of the first channels of U, V and W."""
        if self.numbering is not None:
            return self.numbering.of_anode(self.apa)
        v = self.first_channel + self.u.channels
        return self.first_channel, v, v + self.v.channels

    def plane(self, name: str) -> WirePlane:
        """Return the plane ``u``, ``v`` or ``w``.

        Raises:
            DetectorError: there is no such plane.
        """
        if name.lower() not in PLANE_NAMES:
            raise DetectorError(f"Wire plane '{name}': expected u, v or w.")
        return self.planes[PLANE_NAMES.index(name.lower())]

    def inside(self, y: Array, z: Array) -> Mask:
        """Return whether points lie in front of the wires."""
        within_y = (y >= self.bottom_mm) & (y <= self.bottom_mm + self.height_mm)
        return within_y & (z >= self.front_mm) & (z <= self.front_mm + self.width_mm)

    @property
    def corners(self) -> tuple[Array, Array]:
        """Return the lower and the upper corner of the drift volume, each (x, y, z)."""
        cathode = self.wire_x_mm - self.drift_sign * self.drift_mm
        low = [min(cathode, self.wire_x_mm), self.bottom_mm, self.front_mm]
        high = [max(cathode, self.wire_x_mm), *(np.add(low[1:], (self.height_mm, self.width_mm)))]
        return np.array(low), np.array(high)

    @property
    def readout_ns(self) -> float:
        """Return the length of the readout window [ns]."""
        return self.nticks * self.tick_ns


def crossing_points(
    first: WirePlane, wires: Array, second: WirePlane, others: Array
) -> tuple[Array, Array]:
    """Return where wires of two planes with different directions cross.

    ``wires`` are numbers of the first plane, ``others`` of the second; their shapes broadcast.

    Returns:
        y and z [mm] of the crossings, of the broadcast shape.
    """
    a = first.first_wire_mm + first.pitch_mm * wires
    b = second.first_wire_mm + second.pitch_mm * others
    inverse = np.linalg.inv(np.array([first.direction, second.direction]))
    return inverse[0, 0] * a + inverse[0, 1] * b, inverse[1, 0] * a + inverse[1, 1] * b
