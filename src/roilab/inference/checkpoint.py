"""Read checkpoints and rebuild the network that they hold."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import roilab
from roilab.checksum import damaged_member
from roilab.errors import RoilabError, message
from roilab.inference.metadata import MetadataError, recipe_metadata
from roilab.inference.stored_network import SUFFIX, read_stored
from roilab.inference.trusted import NETWORKS, UntrustedError, instantiate_trusted
from roilab.inference.working_point import WorkingPoint
from roilab.models import NO_WEIGHTS, LayerNormalization, build_net

Recipe = Mapping[str, Any]
WORKING_POINT = "roilab_working_point"  # key of a checkpoint: see ``WorkingPoint.plain``


class CheckpointError(RoilabError):
    """A checkpoint is absent, damaged, or not written by roilab."""


class TrainedNetwork(nn.Module):
    """Network, input normalisation and the recipe that they were trained by.

    Args:
        recipe: the configuration that a checkpoint saves, as plain containers.
        net: the network; ``None`` to build it as ``recipe`` says, whatever that names. For a
            recipe out of a file see ``load_network``.
        working_point: mask threshold; ``None`` for that of a training that has not ended.

    Attributes:
        normalization: of the input layers.
        net: layers (batch, layer, channel, slice) to ROI logits (batch, 1, channel, slice).
        recipe: see above.
        working_point: see above.
    """

    def __init__(
        self,
        recipe: Recipe,
        net: nn.Module | None = None,
        working_point: WorkingPoint | None = None,
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.working_point = working_point or WorkingPoint.at_start(recipe)
        self.normalization = LayerNormalization(len(recipe["data"]["layers"]))
        self.net = build_net(recipe["model"]["net"]) if net is None else net
        if recipe["model"]["channels_last"]:
            self.net.to(memory_format=torch.channels_last)

    def load_weights_of(self, state: Mapping[str, Any]) -> None:
        """Load the weights of network and normalisation from the state of a training.

        Args:
            state: ``state_dict`` of a checkpoint or of a ``RoiModule``; other entries (loss,
                metrics) are ignored.
        """
        parts = ("net.", "normalization.")
        self.load_state_dict({k: v for k, v in state.items() if k.startswith(parts)})


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU: tensors and plain containers, no code.

    Raises:
        CheckpointError: it is absent, damaged, or not written by roilab.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint; check the path.")
    if (member := damaged_member(path)) is not None:
        raise CheckpointError(
            f"{path}: is damaged: its checksum does not fit (in {member}). Copy it again, or name "
            "another checkpoint."
        )
    try:
        checkpoint: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch.load raises whatever the unpickler and the zip reader below it do.
        raise CheckpointError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}); expected one "
            "written by roilab.train. It is damaged or of another kind: name another."
        ) from error
    recipe = checkpoint.get("roilab_recipe") if isinstance(checkpoint, dict) else None
    if not isinstance(recipe, dict) or not isinstance(checkpoint.get("state_dict"), dict):
        raise CheckpointError(
            f"{path}: holds no roilab recipe; expected a checkpoint written by roilab.train. Name "
            "another."
        )
    content: dict[str, Any] = checkpoint
    return content


def read_network(path: Path) -> dict[str, Any]:
    """Read a checkpoint, or a stored network as one: no state of a training.

    Raises:
        RoilabError: (its subclasses) see ``read_checkpoint`` and ``read_stored``.
    """
    if path.suffix != SUFFIX:
        return read_checkpoint(path)
    stored = read_stored(path)
    recipe, point = stored.pop("recipe"), stored.pop("working_point")
    version = stored["training"].get("versions", {}).get("roilab")
    named = {"roilab_recipe": recipe, WORKING_POINT: point, "roilab_version": version}
    return {**stored, **named, "epoch": stored["training"].get("best_epoch")}


def load_network(path: Path, trust: Collection[str] = ()) -> TrainedNetwork:
    """Rebuild the network of a checkpoint with its weights, in evaluation mode, on the CPU.

    Only the network is built, without the loss, the optimizer and the data of its training.

    Args:
        path: of the checkpoint, or of the weights of a stored network.
        trust: import paths of networks of other packages that the checkpoint may name.

    Raises:
        CheckpointError: see ``read_checkpoint``; or another version of roilab wrote it.
        StoredNetworkError: see ``read_stored``.
        UntrustedError: it names another class, or an argument that is not a plain value.
        MetadataError: its recipe lacks a setting, or one is out of range.
    """
    checkpoint = read_network(path)
    try:
        network = _rebuild(path, checkpoint, trust)
        network.load_weights_of(checkpoint["state_dict"])
        recipe_metadata(network.recipe, network.working_point, path)
    except (UntrustedError, MetadataError):
        raise
    except Exception as error:
        # Any type: a missing key, an argument that no longer exists, weights of another shape,
        # and whatever a class of another package raises.
        reason = _shown(" ".join(message(error).split()), 200)
        version = _shown(checkpoint.get("roilab_version", "0.1.0 or older"), 20)
        raise CheckpointError(
            f"{path}: written by roilab {version}, cannot be loaded by roilab "
            f"{roilab.__version__} ({reason}). Use the version that wrote it, or train again."
        ) from error
    return network.eval()


def _rebuild(path: Path, checkpoint: Mapping[str, Any], trust: Collection[str]) -> TrainedNetwork:
    recipe = checkpoint["roilab_recipe"]
    config = recipe["model"]["net"]
    # The checkpoint has all weights; the files and downloads it names are not opened.
    without = {name: value for name, value in NO_WEIGHTS.items() if name in config}
    net = instantiate_trusted(config, NETWORKS, path, trust, **without)
    point = checkpoint.get(WORKING_POINT)
    return TrainedNetwork(recipe, net, None if point is None else WorkingPoint.from_plain(point))


def _shown(value: Any, most: int) -> str:
    """Return a text out of a file for a message, without control characters."""
    return ascii(str(value)[:most])[1:-1]
