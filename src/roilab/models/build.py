"""Build a network from its configuration."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from roilab.building import build
from roilab.models.network import NetworkError

# Arguments that prevent a network from loading pretrained weights.
NO_WEIGHTS: dict[str, Any] = {"pretrained": False, "encoder_weights": None}
_ADVICE = (
    "model.net._target_ changes only the class: the other arguments stay those of the file that "
    "model=NAME takes. For a network of yours start from model=base (model=base "
    "model.net._target_=package.module.Class +model.net.NAME=VALUE), or write conf/model/NAME.yaml "
    "with defaults: [base, _self_]"
)


def build_net(config: Mapping[str, Any], *, load_files: bool = False) -> nn.Module:
    """Build the network of a ``model.net`` configuration with random weights.

    Args:
        config: ``_target_`` and arguments, as plain containers.
        load_files: also load the pretrained weights that ``config`` names. Not needed for a
            checkpoint: it holds all weights, and the files may no longer exist.

    Raises:
        RoilabError: (its subclasses) the network cannot be made as configured.
    """
    if config["_target_"] == "???":
        raise NetworkError(
            "model=base names no network; give its class with "
            "model.net._target_=package.module.Class, or choose another model=NAME."
        )
    replaced = {} if load_files else {k: v for k, v in NO_WEIGHTS.items() if k in config}
    net = build("model.net", {**config, **replaced}, advice=_ADVICE + ".")
    if not isinstance(net, nn.Module):
        raise NetworkError(
            f"model.net._target_={config['_target_']} gives {type(net).__name__}; expected a "
            "torch.nn.Module. Name a class of networks."
        )
    return net
