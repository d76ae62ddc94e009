"""Build a network from its configuration."""

from collections.abc import Mapping
from typing import Any

from hydra.utils import instantiate
from torch import nn

# Arguments that prevent a network from loading pretrained weights.
NO_WEIGHTS: dict[str, Any] = {"pretrained": False, "encoder_weights": None}


def build_net(config: Mapping[str, Any], *, load_files: bool = False) -> nn.Module:
    """Build the network of a ``model.net`` configuration with random weights.

    Args:
        config: ``_target_`` and arguments, as plain containers.
        load_files: also load the pretrained weights that ``config`` names. Not needed for a
            checkpoint: it holds all weights, and the files may no longer exist.
    """
    replaced = {} if load_files else {k: v for k, v in NO_WEIGHTS.items() if k in config}
    net: nn.Module = instantiate(config, **replaced)
    return net
