"""Which networks and planes the subgraph of a complete anode has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roilab.config import read_part
from roilab.export.settings import ExportError
from roilab.wirecell import AnodePlanes

Metadata = Mapping[str, Any]
_LETTERS = ("u", "v", "w")


class AnodeError(ExportError):
    """The networks do not make a complete anode."""


@dataclass(frozen=True, kw_only=True)
class AnodeSettings:
    """Settings ``anode`` of ``conf/export.yaml``, which documents every key."""

    planes: Sequence[str] | None
    planes_of: Mapping[int, Sequence[str]] | None
    classical: str | None

    def __post_init__(self) -> None:
        read_part("roilab.export.anode.AnodeSettings", vars(self), "anode")
        for apa in self.planes_of or {}:
            if not isinstance(apa, int) or apa < 0:
                raise AnodeError(
                    f"anode.planes_of names the anode {apa!r}; expected the number of an anode, as "
                    "in anode.planes_of={0: [u, w]}."
                )

    def choose(self, networks: Mapping[str, Metadata]) -> AnodePlanes:
        """Return the planes that go through a network, of every anode.

        Args:
            networks: metadata of the network of every plane (``u``, ``v``, ``w``).

        Raises:
            AnodeError: a plane has neither a network nor classical ROIs, or the networks are of
                different detectors.
        """
        _check_same_detector(networks)
        every = tuple(networks) if self.planes is None else _letters(self.planes)
        planes_of = {apa: _letters(planes) for apa, planes in (self.planes_of or {}).items()}
        self._check(every, networks, "anode.planes")
        for apa, planes in planes_of.items():
            self._check(planes, networks, f"anode.planes_of.{apa}")
        return AnodePlanes(every, planes_of, self.classical)

    def _check(self, planes: Sequence[str], networks: Mapping[str, Metadata], key: str) -> None:
        known = ", ".join(networks)
        for plane in planes:
            if plane not in networks:
                raise AnodeError(
                    f"{key}=[{','.join(planes)}]: there is no network for plane {plane}, only for "
                    f"{known}. Name one for it, as in network={{{plane}: FILE, ...}}, or leave it "
                    "out: it then keeps its classical ROIs."
                )
        missing = [plane for plane in _LETTERS if plane not in planes]
        if self.classical is None and missing:
            raise AnodeError(
                f"{key}=[{','.join(planes)}]: plane {missing[0]} has neither a network nor "
                f"classical ROIs (anode.classical=null). Name a network for it, as in network="
                f"{{{missing[0]}: FILE, ...}}, or a tag, as in anode.classical=gauss."
            )


def trained_planes(metadata: Metadata) -> tuple[str, ...]:
    """Return the planes that a network was trained on, as letters ``u``, ``v``, ``w``."""
    return _letters(metadata["planes"])


def _letters(planes: Sequence[str]) -> tuple[str, ...]:
    return tuple(letter for letter in _LETTERS if letter in {plane.lower() for plane in planes})


def _check_same_detector(networks: Mapping[str, Metadata]) -> None:
    """Check that all networks were trained on planes of the same size."""
    sizes = {plane: _size(metadata) for plane, metadata in networks.items()}
    first, *others = sizes
    for plane in others:
        if sizes[plane] != sizes[first]:
            raise AnodeError(
                f"network: that of plane {first} was trained on a detector with {sizes[first]}, "
                f"that of plane {plane} on one with {sizes[plane]}; an anode is of one detector. "
                "Name networks of the same detector."
            )


def _size(metadata: Metadata) -> str:
    detector = metadata["readout"]["detector"]
    channels = [str(detector[letter]["channels"]) for letter in _LETTERS]
    return f"{' + '.join(channels)} channels and {detector['nticks']} ticks"
