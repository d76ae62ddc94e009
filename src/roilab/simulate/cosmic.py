"""Cosmic-ray events: muons through the drift volume, their delta rays, and MeV blips.

Prolonged muons, which run along the drift, are rare among cosmic rays, and ROI finding loses their
charge. A generator can add more of them.
"""

from dataclasses import dataclass

import numpy as np

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions, GeneratedEvent, plane_angles
from roilab.simulate.errors import SimulationError
from roilab.simulate.ionisation import Ionisation
from roilab.simulate.placement import check_angles, compute_direction
from roilab.types import FloatArray, Row

_ATTEMPTS = 1000


@dataclass(frozen=True)
class CosmicRays:
    """Generator of cosmic-ray events. Ranges are pairs: smallest and largest value.

    Attributes:
        ionisation: charge per length and energy.
        muons: muons in an event.
        deltas_per_m: delta rays per length of muon.
        delta_mev: energy of a delta ray.
        blips: MeV blips (radioactivity, neutrons) in an event.
        blip_mev: energy of a blip.
        shortest_mm: shortest path of a muon in the drift volume; a shorter one is drawn again.
        prolonged: prolonged muons added to an event.
        prolonged_plane: plane in whose coordinates their angles are given.
        prolonged_deg: their theta_xz, uniform.
        prolonged_theta_y_deg: their theta_y, the angle to the wires, uniform.
    """

    ionisation: Ionisation
    muons: tuple[int, int]
    deltas_per_m: float
    delta_mev: tuple[float, float]
    blips: tuple[int, int]
    blip_mev: tuple[float, float]
    shortest_mm: float
    prolonged: tuple[int, int]
    prolonged_plane: str
    prolonged_deg: tuple[float, float]
    prolonged_theta_y_deg: tuple[float, float]

    def __post_init__(self) -> None:
        ranges = ("muons", "delta_mev", "blips", "blip_mev", "prolonged")
        for name in (*ranges, "prolonged_deg", "prolonged_theta_y_deg"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise SimulationError(
                    f"{name} is [{low}, {high}]: expected two numbers, smallest first, 0 or more."
                )
        check_angles(self.prolonged_deg)

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> GeneratedEvent:
        """Generate an event; it does not depend on ``index``."""
        parts: list[Depositions] = []
        tracks: list[Row] = []
        for _ in range(rng.integers(self.muons[0], self.muons[1] + 1)):
            self._add_muon(detector, rng, parts, tracks)
        if self.prolonged[1] > 0:
            for _ in range(rng.integers(self.prolonged[0], self.prolonged[1] + 1)):
                self._add_muon(detector, rng, parts, tracks, prolonged=True)
        low, high = detector.corners
        for _ in range(rng.integers(self.blips[0], self.blips[1] + 1)):
            start = rng.uniform(low, high)
            time = draw_time(detector, start, rng)
            energy = rng.uniform(*self.blip_mev)
            parts.append(self.ionisation.deposit_electron(start, energy, time, rng))
            tracks.append(_describe_electron("blip", start, time, energy))
        return GeneratedEvent(Depositions.join(parts), tracks)

    def _add_muon(
        self,
        detector: Detector,
        rng: np.random.Generator,
        parts: list[Depositions],
        tracks: list[Row],
        prolonged: bool = False,
    ) -> None:
        """Append a muon and its delta rays to the depositions and tracks of an event."""
        start, end, time = self._draw_path(detector, rng, prolonged)
        charge, probable = self.ionisation.deposit_muon(start, end, time, rng)
        length = float(np.linalg.norm(end - start))
        parts.append(charge)
        tracks.append(
            {
                "kind": "mu",
                "start": start.tolist(),
                "end": end.tolist(),
                "t0": time,
                "length": length,
                "e_per_mm_mpv": probable,
                "angles": plane_angles(detector, end - start),
            }
        )
        for _ in range(rng.poisson(1e-3 * length * self.deltas_per_m)):
            vertex, energy = start + rng.random() * (end - start), rng.uniform(*self.delta_mev)
            parts.append(self.ionisation.deposit_electron(vertex, energy, time, rng))
            tracks.append(_describe_electron("delta", vertex, time, energy))

    def _draw_path(
        self, detector: Detector, rng: np.random.Generator, prolonged: bool
    ) -> tuple[FloatArray, FloatArray, float]:
        """Draw entry [mm], exit [mm] and time [ns] of a muon that is read out."""
        low, high = detector.corners
        for _ in range(_ATTEMPTS):
            # The muon passes a random point that arrives at a random time of the readout, so
            # every muon is seen, and a path is as frequent as its length.
            point = rng.uniform(low, high)
            direction = self._draw_prolonged(detector, rng) if prolonged else draw_direction(rng)
            start, end = clip_to_drift_volume(detector, point, direction)
            if np.linalg.norm(end - start) >= self.shortest_mm:
                return start, end, draw_time(detector, point, rng)
        raise SimulationError(
            f"shortest_mm is {self.shortest_mm}: too long for muons in a drift volume of "
            f"{(high - low).round().tolist()} mm; choose a smaller value."
        )

    def _draw_prolonged(self, detector: Detector, rng: np.random.Generator) -> FloatArray:
        """Draw the direction (x, y, z) of a prolonged muon."""
        return compute_direction(
            detector,
            self.prolonged_plane,
            rng.uniform(*self.prolonged_deg),
            sign=int(rng.choice([-1, 1])),
            theta_y_deg=rng.uniform(*self.prolonged_theta_y_deg),
        )


def _describe_electron(kind: str, start: FloatArray, time_ns: float, energy_mev: float) -> Row:
    """Return the entry of a delta ray or blip in ``meta.json``."""
    return {"kind": kind, "start": start.tolist(), "t0": time_ns, "E_MeV": energy_mev}


def draw_time(detector: Detector, point: FloatArray, rng: np.random.Generator) -> float:
    """Draw a time [ns] such that charge from ``point`` arrives uniformly within the readout."""
    arrival = detector.tick0_ns + rng.random() * detector.readout_ns
    distance = detector.drift_sign * (detector.wire_x_mm - point[0])
    return float(arrival - 1e3 * distance / detector.drift_speed_mm_per_us)


def draw_direction(rng: np.random.Generator) -> FloatArray:
    """Draw a muon direction (x, y, z): flux per solid angle is cos^2 of the zenith angle."""
    # The density of cos(zenith) is 3 cos^2, its integral cos^3.
    cosine = np.cbrt(1.0 - rng.random())
    sine, azimuth = np.sqrt(1 - cosine**2), rng.uniform(0, 2 * np.pi)
    return np.array([sine * np.cos(azimuth), -cosine, sine * np.sin(azimuth)])


def clip_to_drift_volume(
    detector: Detector, point: FloatArray, direction: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return entry and exit [mm] of a straight line through the drift volume.

    Args:
        detector: drift volume.
        point: a point of the line inside [mm].
        direction: unit vector (x, y, z).
    """
    low, high = detector.corners
    safe = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    faces = np.sort(np.stack([(low - point) / safe, (high - point) / safe]), axis=0)
    return point + faces[0].max() * direction, point + faces[1].min() * direction
