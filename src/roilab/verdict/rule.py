"""Rule by which a network and classical ROIs are compared at every angle.

A place is one plane, sample, energy and angle. At every place three quantities are compared, by
their size: bias, inefficiency and resolution, for all of which 0 is best. A difference counts if it
exceeds ``ERRORS`` times its statistical error and also ``LEAST`` points.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from roilab.types import Row

QUANTITIES = ("bias", "inefficiency", "resolution")  # in the order in which they are named
# The interval of a quantity is one standard deviation, and a table has about twenty comparisons,
# of which six would exceed one standard deviation by chance.
ERRORS = 2.0
# Smaller differences do not matter for a measurement, however small their error is [percent].
LEAST = 1.0
NETWORK, CLASSICAL = "dnn", "gauss"  # in the column ``method``


class Outcome(Enum):
    """How the network compares with classical ROIs at a place."""

    BETTER = "better"  # in at least one quantity, and worse in none
    EQUAL = "equal"  # no difference counts
    MIXED = "mixed"  # better in one quantity, worse in another
    WORSE = "worse"
    UNKNOWN = "not compared"  # no quantity has a value and an error for both


@dataclass(frozen=True)
class Difference:
    """One quantity at one place [percent].

    Attributes:
        name: of the quantity.
        network: its value for the network.
        gauss: its value for classical ROIs.
        gain: by how much the size of the network's value is smaller; 0 if that does not count.
    """

    name: str
    network: float
    gauss: float
    gain: float


@dataclass(frozen=True)
class Place:
    """Comparison at one plane, sample, energy [MeV] (``None``: tracks) and angle [degrees]."""

    plane: str
    sample: str
    energy: float | None
    theta_xz: float
    differences: tuple[Difference, ...]

    @property
    def group(self) -> tuple[str, str, float | None]:
        """Plane, sample and energy, which the places of several angles share."""
        return self.plane, self.sample, self.energy

    @property
    def outcome(self) -> Outcome:
        """How the network compares here."""
        if not self.differences:
            return Outcome.UNKNOWN
        better = any(one.gain > 0 for one in self.differences)
        worse = any(one.gain < 0 for one in self.differences)
        if better:
            return Outcome.MIXED if worse else Outcome.BETTER
        return Outcome.WORSE if worse else Outcome.EQUAL


def compare_places(rows: Iterable[Row]) -> list[Place]:
    """Compare at every place that has a row of the network and one of classical ROIs.

    Args:
        rows: of a table of charge metrics, cells as numbers or as text.

    Returns:
        The places, sorted by plane, sample, energy and angle.
    """
    methods: dict[tuple[str, str, float, float], dict[str, Row]] = {}
    for row in rows:
        angle, energy = number(row.get("theta_xz")), number(row.get("energy"))
        # NaN is not equal to itself, so a track has an energy of -1 in the key.
        key = (str(row.get("plane") or ""), str(row.get("sample") or ""))
        if not math.isnan(angle):
            place = (*key, -1.0 if math.isnan(energy) else energy, angle)
            methods.setdefault(place, {}).setdefault(str(row.get("method")), row)
    return [
        Place(
            plane, sample, None if energy < 0 else energy, angle,
            _differences(found[NETWORK], found[CLASSICAL]),
        )
        for (plane, sample, energy, angle), found in sorted(methods.items(), key=lambda one: one[0])
        if NETWORK in found and CLASSICAL in found
    ]  # fmt: skip


def number(cell: Any) -> float:
    """Return a cell as a number; NaN for an empty one and for words."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan


def _differences(network: Row, gauss: Row) -> tuple[Difference, ...]:
    """Compare all quantities that have values and errors."""
    found = (_difference(name, network, gauss) for name in QUANTITIES)
    return tuple(one for one in found if one is not None)


def _difference(name: str, network: Row, gauss: Row) -> Difference | None:
    mine, other = _size(name, network), _size(name, gauss)
    gain = other["size"] - mine["size"]
    smaller, larger = (mine, other) if gain > 0 else (other, mine)
    error = math.hypot(smaller["above"], larger["below"])
    if math.isnan(gain) or math.isnan(error):
        return None
    counts = abs(gain) > max(ERRORS * error, LEAST)
    values = number(network[name]), number(gauss[name])
    return Difference(name, *values, gain if counts else 0.0)


def _size(name: str, row: Row) -> Mapping[str, float]:
    """Return the size of a value, with its errors towards smaller and towards larger sizes."""
    value, low, high = (number(row.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    below, above = value - low, high - value
    if value < 0:
        below, above = above, below
    return {"size": abs(value), "below": below, "above": above}
