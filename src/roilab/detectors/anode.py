"""Wire planes of an anode for the field calculation, its electronics, and its channel numbers."""

from dataclasses import dataclass
from typing import Any

from roilab.detectors.errors import DetectorError


def make_tuples(settings: Any, *names: str) -> None:
    """Replace lists from YAML by tuples, so that a frozen dataclass can be the key of a cache."""
    for name in names:
        object.__setattr__(settings, name, tuple(getattr(settings, name)))


@dataclass(frozen=True)
class AnodeField:
    """Wires and voltages that shape the field near the wires.

    Settings ``field`` of a file in ``conf/detector``; ``pdhd.yaml`` documents every key.
    """

    pitch_mm: tuple[float, float, float]
    heights_mm: tuple[float, ...]
    ground_mm: float
    radius_mm: float
    bias_volts: tuple[float, ...]
    drift_field_kv_per_cm: float
    drift_speed_mm_per_us: float
    duration_us: float

    def __post_init__(self) -> None:
        make_tuples(self, "pitch_mm", "heights_mm", "bias_volts")


@dataclass(frozen=True)
class Electronics:
    """Amplifier, digitiser and noise.

    Settings ``electronics`` of a file in ``conf/detector``; ``pdhd.yaml`` documents every key.
    """

    gain_mv_per_fc: float
    peaking_us: float
    adc_bits: int
    adc_range_mv: float
    baseline_adc: tuple[float, float, float]
    noise_electrons: tuple[float, float, float]

    def __post_init__(self) -> None:
        make_tuples(self, "baseline_adc", "noise_electrons")


@dataclass(frozen=True)
class Numbering:
    """Channel ids of anodes that do not count U, V and W one after the other.

    Anodes 0, 1, ... of the list follow each other; then the same again, ``period`` ids further.

    Attributes:
        period: difference between the ids of an anode and of the one a list further.
        first_channels: of every anode of the list, the first ids of U, V and W.
    """

    period: int
    first_channels: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        first = tuple(tuple(channels) for channels in self.first_channels)
        object.__setattr__(self, "first_channels", first)
        wrong = [first for first in self.first_channels if len(first) != 3]
        if self.period < 1 or wrong or not self.first_channels:
            raise DetectorError(
                f"detector.numbering: period {self.period} and first_channels "
                f"{[list(first) for first in self.first_channels]}; expected a period of 1 or more "
                "and three ids, of U, V and W, for every anode."
            )

    def of_anode(self, number: int) -> tuple[int, int, int]:
        """Return the ids of the first channels of U, V and W of an anode."""
        times, place = divmod(number, len(self.first_channels))
        u, v, w = (first + times * self.period for first in self.first_channels[place])
        return u, v, w
