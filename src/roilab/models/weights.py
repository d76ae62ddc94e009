"""Load weights written by roilab or by the reference code."""

import re
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from roilab.checksum import damaged_member
from roilab.models.network import NetworkError, RoiNetwork
from roilab.wirecell.torchscript import load_torchscript

Weights = dict[str, torch.Tensor]

# Prefixes that a Lightning module, DataParallel or torch.compile adds to a network's names.
_PREFIXES = ("net.", "model.", "module.", "_orig_mod.")
# Keys under which checkpoints hold a state_dict.
_KEYS = ("model_state_dict", "state_dict", "model")
_NONE: Mapping[str, str] = {}
_MAX_NAMES = 4  # in an error text


class WeightsError(NetworkError):
    """A file of weights cannot be read, or does not fit the network."""


def load_weights(net: nn.Module, path: Path) -> None:
    """Load the weights of a file into a network.

    Args:
        net: its parameters and buffers are overwritten.
        path: a ``state_dict``, alone or inside a checkpoint, a TorchScript or a safetensors file,
            written by roilab, by the reference code or by another program.

    Raises:
        WeightsError: the file cannot be read, or holds weights of another network.
    """
    reference_names = net.reference_names if isinstance(net, RoiNetwork) else {}
    stored = strip_prefixes(read_weights(path), net.state_dict(), reference_names)
    names = {name: translate_name(name, reference_names) for name in stored}
    _check_names(net, path, names)
    weights = {names[name]: weight for name, weight in stored.items()}
    _check_shapes(net, path, weights)
    net.load_state_dict(weights, strict=False)


def _check_names(net: nn.Module, path: Path, names: Mapping[str, str]) -> None:
    """Check that a file, with its ``names`` in roilab, has all names of a network, no others."""
    expected, got = net.state_dict(), set(names.values())
    unexpected = [name for name, translated in names.items() if translated not in expected]
    # Old versions of torch did not write num_batches_tracked; no network needs it.
    missing = [n for n in expected if n not in got and not n.endswith(".num_batches_tracked")]
    if missing or unexpected:
        raise WeightsError(
            f"{path}: not the weights of {type(net).__name__} as configured: "
            f"{len(names) - len(unexpected)} of {len(names)} names in the file fit the "
            f"{len(expected)} of the network; missing {_list_names(missing)}; unexpected "
            f"{_list_names(unexpected)}. Set model=NAME to the network that they were trained as."
        )


def _check_shapes(net: nn.Module, path: Path, weights: Weights) -> None:
    initial = net.state_dict()
    shapes = {n: (tuple(w.shape), tuple(initial[n].shape)) for n, w in weights.items()}
    different = {name: pair for name, pair in shapes.items() if pair[0] != pair[1]}
    n_layers = net.n_layers if isinstance(net, RoiNetwork) else 0
    layers = {_n_layers(got, expected, n_layers) for got, expected in different.values()}
    if len(layers) == 1 and None not in layers:
        raise WeightsError(
            f"{path}: these weights take {layers.pop()} input layers; expected {n_layers}, "
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
    """Read names and tensors of a network, or of a module around it, onto the CPU.

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
    inside = _inside(content) if isinstance(content, Mapping) else {}
    weights = {name: w for name, w in inside.items() if isinstance(w, torch.Tensor)}
    if not weights:
        raise WeightsError(
            f"{path}: holds no weights; expected a state_dict, alone or under the key "
            f"{', '.join(_KEYS)}, or a TorchScript file that was not frozen. Save the network's "
            "state_dict() instead."
        )
    return weights


def _inside(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the ``state_dict`` in a checkpoint; the content itself where it is one."""
    for key in _KEYS:
        if isinstance(content.get(key), Mapping):
            return content[key]
    return content


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


def strip_prefixes(
    weights: Weights, expected: Collection[str], reference_names: Mapping[str, str] = _NONE
) -> Weights:
    """Return the tensors of a network, with the prefixes of wrappers taken off their names.

    Of all ways to take prefixes off, that with most names in ``expected`` is chosen: a network can
    have a part that is named like a wrapper. Tensors without the prefix are dropped.
    """
    best, most = weights, _fitting(weights, expected, reference_names)
    candidates = [weights]
    while candidates:
        outside = candidates.pop()
        for prefix in _PREFIXES:
            names = [name for name in outside if name.startswith(prefix)]
            if not names:
                continue
            inside = {name[len(prefix) :]: outside[name] for name in names}
            candidates.append(inside)
            if (fitting := _fitting(inside, expected, reference_names)) > most:
                best, most = inside, fitting
    return best


def _fitting(
    weights: Weights, expected: Collection[str], reference_names: Mapping[str, str]
) -> int:
    return sum(translate_name(name, reference_names) in expected for name in weights)
