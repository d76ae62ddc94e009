"""Stored networks: weights in safetensors, with a JSON file that describes the network.

They are smaller than checkpoints (weights in float16, no state of the optimizer) and independent of
the version of PyTorch.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from roilab.errors import RoilabError
from roilab.reference_networks import read_description

SUFFIX = ".safetensors"
FORMAT = 1  # of the JSON file
_AGAIN = "Install roilab again, or store the network again"
_NEEDED = {"recipe": dict, "working_point": dict, "weights": dict, "training": dict}


class StoredNetworkError(RoilabError):
    """A stored network is incomplete, damaged, or of another version."""


def halve_weights(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights with the kernels in float16.

    Vectors (biases, batch norms, mean and width of the layers) stay in float32: they are few, and
    the variances of a batch norm exceed the range of float16.
    """
    return {
        name: value.half() if value.is_floating_point() and value.dim() > 1 and not _is_input(name)
        else value
        for name, value in state.items()
    }  # fmt: skip


def _is_input(name: str) -> bool:
    return name.startswith("normalization.")


def full_weights(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights with all numbers in float32, as the network computes."""
    return {name: v.float() if v.is_floating_point() else v for name, v in state.items()}


def weights_content(state: Mapping[str, torch.Tensor]) -> bytes:
    """Return the contents of a weights file."""
    return save({name: value.contiguous() for name, value in state.items()})


def read_stored(path: Path) -> dict[str, Any]:
    """Read a stored network: its JSON file as it is, and ``state_dict`` in float32.

    Args:
        path: of the weights; the JSON file lies beside it.

    Raises:
        StoredNetworkError: a file is absent, damaged, or of another version.
    """
    described = path.with_suffix(".json")
    try:
        content = read_description(path)
    except (OSError, ValueError) as error:
        raise StoredNetworkError(
            f"{described}: cannot be read ({type(error).__name__}), without which {path.name} is "
            f"not known to be a network of roilab. {_AGAIN}."
        ) from error
    if content.get("format") != FORMAT or not all(
        isinstance(content.get(key), kind) for key, kind in _NEEDED.items()
    ):
        raise StoredNetworkError(
            f"{described}: does not describe a stored network of this version of roilab (format "
            f"{FORMAT}). {_AGAIN}."
        )
    return {**content, "state_dict": _read_weights(path, content["weights"].get("sha256"))}


def _read_weights(path: Path, sha256: Any) -> dict[str, torch.Tensor]:
    """Return the weights in float32, after a comparison of their checksum."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoredNetworkError(f"{path}: cannot be read ({error.strerror}). {_AGAIN}.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoredNetworkError(
            f"{path}: is damaged: its SHA-256 differs from that in {path.stem}.json. {_AGAIN}."
        )
    try:
        return full_weights(load(content))
    except SafetensorError as error:
        raise StoredNetworkError(f"{path}: is no safetensors file. {_AGAIN}.") from error


def description_content(description: Mapping[str, Any]) -> str:
    """Return the text of a JSON file."""
    return json.dumps({"format": FORMAT, **description}, indent=2, allow_nan=False) + "\n"
