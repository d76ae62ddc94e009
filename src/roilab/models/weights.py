"""Weights of roilab and, through each network's table of names, of the reference code."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from roilab.models.network import NetworkError, RoiNetwork
from roilab.wirecell.torchscript import load_torchscript

Weights = dict[str, torch.Tensor]

# Under what a network hangs in a Lightning module, in DataParallel, in a compiled module.
_WRAPPERS = ("net.", "model.", "module.", "_orig_mod.")
_NAMES_SHOWN = 4


class WeightsError(NetworkError):
    """A file of weights cannot be read, or does not fit the network."""


def load_weights(net: RoiNetwork, path: Path) -> None:
    """Put a file's weights into a network.

    Args:
        net: its parameters and buffers are overwritten.
        path: a ``state_dict``, a Lightning checkpoint, a TorchScript or a safetensors file,
            written by roilab or by the reference code.

    Raises:
        WeightsError: the file cannot be read, or holds weights of another network.
    """
    own = net.state_dict()
    weights: Weights = {}
    unexpected = []
    for name, weight in read_weights(path).items():
        own_name = name_here(name, net.reference_names)
        weights[own_name] = weight
        if own_name not in own:
            unexpected.append(name)
    # Counts of batches, which old versions of torch did not write; nothing here depends on them.
    missing = [n for n in own if n not in weights and not n.endswith(".num_batches_tracked")]
    kind = type(net).__name__
    if missing or unexpected:
        raise WeightsError(
            f"{path}: not the weights of {kind} as configured: missing {_listed(missing)}; "
            f"unexpected {_listed(unexpected)}. Choose the model=... they were trained as."
        )
    shapes = {n: (tuple(w.shape), tuple(own[n].shape)) for n, w in weights.items()}
    differing = {name: pair for name, pair in shapes.items() if pair[0] != pair[1]}
    layers = {_n_layers(got, expected, net.n_layers) for got, expected in differing.values()}
    if len(layers) == 1 and None not in layers:
        raise WeightsError(
            f"{path}: these weights take {layers.pop()} input layers; expected {net.n_layers}, "
            "the number of data.layers. Name the layers they were trained on, in their order."
        )
    if differing:
        name, (got, expected) = next(iter(differing.items()))
        raise WeightsError(
            f"{path}: not the weights of {kind} as configured: {name} has shape {got}, expected "
            f"{expected}; so have {len(differing) - 1} others. Set model.net's numbers to those "
            "they were trained with."
        )
    net.load_state_dict(weights, strict=False)


def _n_layers(got: tuple[int, ...], expected: tuple[int, ...], n_layers: int) -> int | None:
    """Input layers of a convolution that is right but for them; ``None`` where it is not."""
    right_but_inputs = len(got) == len(expected) == 4 and (
        (got[0], got[2:], expected[1]) == (expected[0], expected[2:], n_layers)
    )
    return got[1] if right_but_inputs else None


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    shown = ", ".join(names[:_NAMES_SHOWN]) or "none"
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def name_here(name: str, reference_names: Mapping[str, str]) -> str:
    """A name of the reference turned into roilab's; another stays as it is."""
    for there, here in reference_names.items():
        pattern = "^" + there.replace(".", r"\.")
        if re.match(pattern, name):
            return re.sub(pattern, here, name)
    return name


def read_weights(path: Path) -> Weights:
    """Names and tensors of a network in a file, on the CPU, without what it is wrapped in.

    Raises:
        WeightsError: the file is absent, broken, or holds no weights.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file of weights; check the path.")
    content: Any
    if _is_torchscript(path):
        content = load_torchscript(path)[0].state_dict()
    elif path.suffix == ".safetensors":
        content = _load_safetensors(path)
    else:
        content = _load_pickle(path)
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    weights = _unwrapped(content) if isinstance(content, Mapping) else {}
    if not weights:
        raise WeightsError(
            f"{path}: holds no weights; expected a state_dict, a Lightning checkpoint or a "
            "TorchScript file that was not frozen. Save the network's state_dict() instead."
        )
    return weights


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _load_safetensors(path: Path) -> Weights:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"{path}: is no whole safetensors file; fetch it again.") from error


def _load_pickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch.load raises whatever the unpickler and the zip reader below it do.
        raise WeightsError(
            f"{path}: cannot be read as weights ({type(error).__name__}); expected a file of "
            "tensors alone. It is broken, or holds whole Python objects, which are not loaded for "
            "safety: save the network's state_dict() instead."
        ) from error


def _unwrapped(content: Mapping[str, Any]) -> Weights:
    """The tensors that belong to the network itself."""
    weights = {name: w for name, w in content.items() if isinstance(w, torch.Tensor)}
    for wrapper in _WRAPPERS:
        inside = {n[len(wrapper) :]: w for n, w in weights.items() if n.startswith(wrapper)}
        weights = inside or weights
    return weights
