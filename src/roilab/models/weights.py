"""Load weights written by roilab or by the reference code."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from roilab.checksum import damaged_member
from roilab.models.network import NetworkError, RoiNetwork
from roilab.wirecell.torchscript import load_torchscript

Weights = dict[str, torch.Tensor]

# Prefixes that a Lightning module, DataParallel or torch.compile adds to a network's names.
_PREFIXES = ("net.", "model.", "module.", "_orig_mod.")
_MAX_NAMES = 4  # in an error text


class WeightsError(NetworkError):
    """A file of weights cannot be read, or does not fit the network."""


def load_weights(net: RoiNetwork, path: Path) -> None:
    """Load the weights of a file into a network.

    Args:
        net: its parameters and buffers are overwritten.
        path: a ``state_dict``, a Lightning checkpoint, a TorchScript or a safetensors file,
            written by roilab or by the reference code.

    Raises:
        WeightsError: the file cannot be read, or holds weights of another network.
    """
    stored = read_weights(path)
    names = {name: translate_name(name, net.reference_names) for name in stored}
    _check_names(net, path, names)
    weights = {names[name]: weight for name, weight in stored.items()}
    _check_shapes(net, path, weights)
    net.load_state_dict(weights, strict=False)


def _check_names(net: RoiNetwork, path: Path, names: Mapping[str, str]) -> None:
    """Check that a file, with its ``names`` in roilab, has all names of a network, no others."""
    expected, got = net.state_dict(), set(names.values())
    unexpected = [name for name, translated in names.items() if translated not in expected]
    # Old versions of torch did not write num_batches_tracked; no network needs it.
    missing = [n for n in expected if n not in got and not n.endswith(".num_batches_tracked")]
    if missing or unexpected:
        raise WeightsError(
            f"{path}: not the weights of {type(net).__name__} as configured: missing "
            f"{_list_names(missing)}; unexpected {_list_names(unexpected)}. Set model=NAME to the "
            "network that they were trained as."
        )


def _check_shapes(net: RoiNetwork, path: Path, weights: Weights) -> None:
    initial = net.state_dict()
    shapes = {n: (tuple(w.shape), tuple(initial[n].shape)) for n, w in weights.items()}
    different = {name: pair for name, pair in shapes.items() if pair[0] != pair[1]}
    layers = {_n_layers(got, expected, net.n_layers) for got, expected in different.values()}
    if len(layers) == 1 and None not in layers:
        raise WeightsError(
            f"{path}: these weights take {layers.pop()} input layers; expected {net.n_layers}, "
            "the number of data.layers. Set data.layers to those they were trained on, in order."
        )
    if different:
        name, (got, expected) = next(iter(different.items()))
        raise WeightsError(
            f"{path}: not the weights of {type(net).__name__} as configured: {name} has shape "
            f"{got}, expected {expected}; {len(different) - 1} others differ too. Set the numbers "
            "of model.net to those that they were trained with."
        )


def _n_layers(got: tuple[int, ...], expected: tuple[int, ...], n_layers: int) -> int | None:
    """Return the number of input layers if it alone makes a convolution differ, else ``None``."""
    differ_in_layers = len(got) == len(expected) == 4 and (
        (got[0], got[2:], expected[1]) == (expected[0], expected[2:], n_layers)
    )
    return got[1] if differ_in_layers else None


def _list_names(names: Iterable[str]) -> str:
    names = list(names)
    listed = ", ".join(names[:_MAX_NAMES]) or "none"
    more = len(names) - _MAX_NAMES
    return f"{listed} and {more} more" if more > 0 else listed


def translate_name(name: str, reference_names: Mapping[str, str]) -> str:
    """Return roilab's name for a name of the reference code; other names do not change."""
    for theirs, ours in reference_names.items():
        pattern = "^" + theirs.replace(".", r"\.")
        if re.match(pattern, name):
            return re.sub(pattern, ours, name)
    return name


def read_weights(path: Path) -> Weights:
    """Read names and tensors of a network onto the CPU, without the prefixes of wrappers.

    Raises:
        WeightsError: the file is absent, damaged, or holds no weights.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such weights file; check the path.")
    if (member := damaged_member(path)) is not None:
        raise WeightsError(
            f"{path}: is damaged: its checksum does not fit (in {member}). Copy it again."
        )
    content: Any
    if _is_torchscript(path):
        content = load_torchscript(path)[0].state_dict()
    elif path.suffix == ".safetensors":
        content = _load_safetensors(path)
    else:
        content = _load_pickle(path)
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    weights = _strip_prefixes(content) if isinstance(content, Mapping) else {}
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
        raise WeightsError(
            f"{path}: not a complete safetensors file; copy or download it again."
        ) from error


def _load_pickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Any type: torch.load passes on the errors of the unpickler and the zip reader.
        raise WeightsError(
            f"{path}: cannot be read as weights ({type(error).__name__}); expected a file of "
            "tensors only. It is damaged, or holds complete Python objects, which are not loaded "
            "for safety: save the network's state_dict() instead."
        ) from error


def _strip_prefixes(content: Mapping[str, Any]) -> Weights:
    """Return the tensors of the network; other entries of a wrapped network are dropped."""
    weights = {name: w for name, w in content.items() if isinstance(w, torch.Tensor)}
    for prefix in _PREFIXES:
        inside = {n[len(prefix) :]: w for n, w in weights.items() if n.startswith(prefix)}
        weights = inside or weights
    return weights
