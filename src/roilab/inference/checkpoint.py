"""Read checkpoints and rebuild the network that they hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

import roilab
from roilab.building import TargetError
from roilab.errors import RoilabError
from roilab.models import LayerNormalization, build_net

Recipe = Mapping[str, Any]


class CheckpointError(RoilabError):
    """A checkpoint is absent, damaged, or not written by roilab."""


class TrainedNetwork(nn.Module):
    """Network, input normalisation and the recipe that they were trained by.

    Args:
        recipe: the configuration that a checkpoint saves, as plain containers.
        net: its network, where that is built already.

    Attributes:
        normalization: of the input layers.
        net: layers (batch, layer, channel, slice) to ROI logits (batch, 1, channel, slice).
        recipe: see above.
    """

    def __init__(self, recipe: Recipe, net: nn.Module | None = None) -> None:
        super().__init__()
        self.recipe = recipe
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
    """Read a checkpoint onto the CPU.

    Raises:
        CheckpointError: it is absent, damaged, or not written by roilab.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: there is no such checkpoint; check the path.") from error
    except Exception as error:
        # torch.load raises whatever the unpickler and the zip reader below it do.
        raise CheckpointError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}); expected one "
            "written by roilab.train. It is damaged or of another kind: name another."
        ) from error
    if not isinstance(checkpoint, dict) or "roilab_recipe" not in checkpoint:
        raise CheckpointError(
            f"{path}: holds no roilab recipe; expected a checkpoint written by roilab.train. Name "
            "another."
        )
    return checkpoint


def load_network(path: Path) -> TrainedNetwork:
    """Rebuild the network of a checkpoint with its weights, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: see ``read_checkpoint``; or another version of roilab wrote it.
    """
    checkpoint = read_checkpoint(path)
    try:
        network = TrainedNetwork(checkpoint["roilab_recipe"])
        network.load_weights_of(checkpoint["state_dict"])
    except (TargetError, KeyError, TypeError, RuntimeError) as error:
        # A missing key, a class or argument that no longer exists, weights of another shape.
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path}: written by roilab {checkpoint.get('roilab_version', '0.1.0 or older')}, "
            f"cannot be loaded by roilab {roilab.__version__} ({reason}). Use the version "
            "that wrote it, or train again."
        ) from error
    return network.eval()
