"""Cosmic-ray events: muons through the drift volume, their delta rays, and MeV blips.

Prolonged muons, which run along the drift, are rare among cosmic rays and are what ROI finding
loses; more of them than nature sends can be added.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.simulate.depositions import Depositions, Event, Track, plane_angles
from roilab.simulate.errors import SimulationError
from roilab.simulate.ionisation import Ionisation
from roilab.simulate.placement import check_angle, direction_at

Array = NDArray[np.float64]

_ATTEMPTS = 1000


@dataclass(frozen=True)
class Cosmic:
    """Generator of cosmic-ray events.

    Attributes:
        ionisation: charge per length and energy.
        muons: least and largest number of muons an event.
        deltas_per_m: delta rays per length of muon.
        delta_mev: least and largest energy of a delta ray.
        blips: least and largest number of MeV blips (radioactivity, neutrons) an event.
        blip_mev: least and largest energy of a blip.
        shortest_mm: muons of a shorter path in the drift volume are drawn again.
        prolonged: least and largest number of further muons an event, of which
        prolonged_plane: in this plane's coordinates has
        prolonged_deg: theta_xz uniformly between these two, and
        prolonged_theta_y_deg: theta_y, the angle to the plane's wires, between these.
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
                    f"{name} is [{low}, {high}]: expected two numbers, least first, neither "
                    "negative."
                )
        check_angle(self.prolonged_deg[1])

    def __call__(self, index: int, detector: Detector, rng: np.random.Generator) -> Event:
        """An event; ``index`` does not matter, all events are of one kind."""
        parts: list[Depositions] = []
        tracks: list[Track] = []
        for _ in range(rng.integers(self.muons[0], self.muons[1] + 1)):
            self._muon(detector, rng, parts, tracks)
        if self.prolonged[1] > 0:
            for _ in range(rng.integers(self.prolonged[0], self.prolonged[1] + 1)):
                self._muon(detector, rng, parts, tracks, prolonged=True)
        low, high = detector.corners
        for _ in range(rng.integers(self.blips[0], self.blips[1] + 1)):
            place = rng.uniform(low, high)
            time = seen_at(detector, place, rng)
            energy = rng.uniform(*self.blip_mev)
            parts.append(self.ionisation.electron(place, energy, time, rng))
            tracks.append(_short("blip", place, time, energy))
        return Event(Depositions.join(parts), tracks)

    def _muon(
        self,
        detector: Detector,
        rng: np.random.Generator,
        parts: list[Depositions],
        tracks: list[Track],
        prolonged: bool = False,
    ) -> None:
        start, end, time = self._passage(detector, rng, prolonged)
        charge, probable = self.ionisation.muon(start, end, time, rng)
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
            place, energy = start + rng.random() * (end - start), rng.uniform(*self.delta_mev)
            parts.append(self.ionisation.electron(place, energy, time, rng))
            tracks.append(_short("delta", place, time, energy))

    def _passage(
        self, detector: Detector, rng: np.random.Generator, prolonged: bool
    ) -> tuple[Array, Array, float]:
        """Entry, exit and time of a muon that is seen."""
        low, high = detector.corners
        for _ in range(_ATTEMPTS):
            # Through a random point at a random time of the readout: so every muon is seen, and
            # long paths are as frequent as their share of the charge.
            point = rng.uniform(low, high)
            direction = self._along_drift(detector, rng) if prolonged else downward(rng)
            start, end = crossing(detector, point, direction)
            if np.linalg.norm(end - start) >= self.shortest_mm:
                return start, end, seen_at(detector, point, rng)
        raise SimulationError(
            f"shortest_mm is {self.shortest_mm}: hardly a muon has so long a path in a drift "
            f"volume of {(high - low).round().tolist()} mm; choose less."
        )

    def _along_drift(self, detector: Detector, rng: np.random.Generator) -> Array:
        """Direction of a prolonged muon."""
        return direction_at(
            detector,
            self.prolonged_plane,
            rng.uniform(*self.prolonged_deg),
            sign=int(rng.choice([-1, 1])),
            theta_y_deg=rng.uniform(*self.prolonged_theta_y_deg),
        )


def _short(kind: str, place: Array, time_ns: float, energy_mev: float) -> Track:
    return {"kind": kind, "start": place.tolist(), "t0": time_ns, "E_MeV": energy_mev}


def seen_at(detector: Detector, point: Array, rng: np.random.Generator) -> float:
    """A time at which charge freed at a point arrives at a random time within the readout [ns]."""
    arrival = detector.tick0_ns + rng.random() * detector.readout_ns
    distance = detector.drift_sign * (detector.wire_x_mm - point[0])
    return float(arrival - 1e3 * distance / detector.drift_speed_mm_per_us)


def downward(rng: np.random.Generator) -> Array:
    """Direction (x, y, z) of a muon: flux per solid angle as the squared cosine of zenith."""
    # The density of cos(zenith) is 3 cos^2, its integral cos^3.
    cosine = np.cbrt(1.0 - rng.random())
    sine, azimuth = np.sqrt(1 - cosine**2), rng.uniform(0, 2 * np.pi)
    return np.array([sine * np.cos(azimuth), -cosine, sine * np.sin(azimuth)])


def crossing(detector: Detector, point: Array, direction: Array) -> tuple[Array, Array]:
    """Entry into and exit from the drift volume of a straight line.

    Args:
        detector: drift volume.
        point: a point of the line inside [mm].
        direction: unit vector (x, y, z).
    """
    low, high = detector.corners
    safe = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    faces = np.sort(np.stack([(low - point) / safe, (high - point) / safe]), axis=0)
    return point + faces[0].max() * direction, point + faces[1].min() * direction
