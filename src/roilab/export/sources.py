"""Networks to export, as the configuration names them: one, or one for every plane."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from roilab.export.anode import AnodeError, trained_planes
from roilab.inference import TrainedNetwork, load_network, network_file
from roilab.inference.metadata import network_metadata


@dataclass(frozen=True)
class Source:
    """A network to export.

    Attributes:
        checkpoint: its file.
        network: loaded from it.
        planes: letters of the planes that it is for; those of its training where it is the only
            one.
        subfolder: of its files in the output folder; empty where it is the only one.
    """

    checkpoint: Path
    network: TrainedNetwork
    planes: tuple[str, ...]
    subfolder: str

    @property
    def metadata(self) -> dict[str, object]:
        """Metadata of the network, see ``network_metadata``."""
        return network_metadata(self.network.recipe, self.network.working_point)


def read_sources(
    network: str | Path | Mapping[str, str | Path], trust: Collection[str]
) -> list[Source]:
    """Read the networks; one that is named for several planes is read once.

    Args:
        network: a network, or networks by plane (``u``, ``v``, ``w``).
        trust: import paths of networks of other packages that a checkpoint may name.

    Raises:
        AnodeError: a plane is named twice.
        RoilabError: (its other subclasses) a file cannot be read.
    """
    if not isinstance(network, Mapping):
        checkpoint = network_file(network)
        only = load_network(checkpoint, trust)
        planes = trained_planes(network_metadata(only.recipe, only.working_point))
        return [Source(checkpoint, only, planes, "")]
    planes_of: dict[Path, list[str]] = {}
    for plane in sorted(network):
        planes_of.setdefault(network_file(network[plane]), []).append(plane.lower())
    letters = [letter for planes in planes_of.values() for letter in planes]
    if len(set(letters)) < len(letters):
        raise AnodeError(
            f"network: names the planes {', '.join(letters)}; expected some of u, v, w, each once."
        )
    return [
        Source(checkpoint, load_network(checkpoint, trust), tuple(planes), "".join(planes))
        for checkpoint, planes in planes_of.items()
    ]
