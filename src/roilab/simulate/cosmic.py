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
from roilab.simulate.placement import (
    check_angles,
    check_limits,
    check_planes,
    draw_inclined,
)
from roilab.types import FloatArray, Row

_ATTEMPTS = 1000


@dataclass(frozen=True)
class CosmicRays:
    """Generator of cosmic-ray events.

    Settings of ``conf/simulation/generator/cosmic.yaml``, which documents every key.
    """

    ionisation: Ionisation
    muons: tuple[int, int]
    deltas_per_m: float
    delta_mev: tuple[float, float]
    blips: tuple[int, int]
    blip_mev: tuple[float, float]
    shortest_mm: float
    prolonged: tuple[int, int]
    prolonged_planes: tuple[str, ...]
    prolonged_deg: tuple[float, float]
    prolonged_theta_y_deg: tuple[float, float]

    def __post_init__(self) -> None:
        ranges = ("muons", "delta_mev", "blips", "blip_mev", "prolonged")
        check_limits(self, (*ranges, "prolonged_deg", "prolonged_theta_y_deg"))
        check_angles(self.prolonged_deg)
        check_planes(self.prolonged_planes)

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> GeneratedEvent:
        """Generate event ``index``; it says which plane the first prolonged muon belongs to."""
        particles: list[tuple[Depositions, Row]] = []
        for _ in range(rng.integers(*self.muons, endpoint=True)):
            particles += self._make_muon(detector, rng)
        if self.prolonged[1] > 0:
            planes = self.prolonged_planes
            for number in range(rng.integers(*self.prolonged, endpoint=True)):
                plane = planes[(index + number) % len(planes)]
                particles += self._make_muon(detector, rng, plane)
        for _ in range(rng.integers(*self.blips, endpoint=True)):
            start = rng.uniform(*detector.corners)
            time = draw_time(detector, start, rng)
            particles.append(self._make_electron("blip", start, time, self.blip_mev, rng))
        depositions = Depositions.join([charge for charge, _ in particles])
        return GeneratedEvent(depositions, [track for _, track in particles])

    def _make_muon(
        self, detector: Detector, rng: np.random.Generator, prolonged: str = ""
    ) -> list[tuple[Depositions, Row]]:
        """Return depositions and entry in ``meta.json`` of a muon and of its delta rays.

        ``prolonged`` is the plane in whose coordinates a prolonged muon has its angles.
        """
        start, end, time = self._draw_path(detector, rng, prolonged)
        charge, probable = self.ionisation.deposit_muon(start, end, time, rng)
        length = float(np.linalg.norm(end - start))
        track = {
            "kind": "mu",
            "start": start.tolist(),
            "end": end.tolist(),
            "t0": time,
            "length": length,
            "e_per_mm_mpv": probable,
            "angles": plane_angles(detector, end - start),
        }
        particles = [(charge, track)]
        for _ in range(rng.poisson(1e-3 * length * self.deltas_per_m)):
            vertex = start + rng.random() * (end - start)
            particles.append(self._make_electron("delta", vertex, time, self.delta_mev, rng))
        return particles

    def _make_electron(
        self,
        kind: str,
        start: FloatArray,
        time_ns: float,
        energies_mev: tuple[float, float],
        rng: np.random.Generator,
    ) -> tuple[Depositions, Row]:
        """Return depositions and entry in ``meta.json`` of a delta ray or blip."""
        energy = rng.uniform(*energies_mev)
        track = {"kind": kind, "start": start.tolist(), "t0": time_ns, "E_MeV": energy}
        return self.ionisation.deposit_electron(start, energy, time_ns, rng), track

    def _draw_path(
        self, detector: Detector, rng: np.random.Generator, prolonged: str
    ) -> tuple[FloatArray, FloatArray, float]:
        """Draw entry [mm], exit [mm] and time [ns] of a muon that is read out."""
        low, high = detector.corners
        for _ in range(_ATTEMPTS):
            # The muon passes a random point that arrives at a random time of the readout, so
            # every muon is seen, and a path is as frequent as its length.
            point = rng.uniform(low, high)
            if prolonged:
                angles = (self.prolonged_deg, self.prolonged_theta_y_deg)
                direction = draw_inclined(detector, prolonged, *angles, rng)
            else:
                direction = draw_direction(rng)
            start, end = clip_to_drift_volume(detector, point, direction)
            if np.linalg.norm(end - start) >= self.shortest_mm:
                return start, end, draw_time(detector, point, rng)
        raise SimulationError(
            f"shortest_mm is {self.shortest_mm}: too long for muons in a drift volume of "
            f"{(high - low).round().tolist()} mm; choose a smaller value."
        )


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
    """Return entry and exit [mm] of the line through a point inside along a unit vector."""
    low, high = detector.corners
    safe = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    faces = np.sort(np.stack([(low - point) / safe, (high - point) / safe]), axis=0)
    return point + faces[0].max() * direction, point + faces[1].min() * direction
