"""Input and truth mask of a network: from its file, from the user, from a data config."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roilab.data.images import PadUnit
from roilab.errors import RoilabError

if TYPE_CHECKING:
    from roilab.inference.network import NetworkFile

WCT_MASK_THRESH = 0.5  # the node's default, for a file without metadata

_PLAIN = ("rebin", "input_scale", "mask_thresh", "threshold", "pad", "pad_unit")
_EXAMPLES = {
    "layers": "network_spec.layers=[loose_lf,mp2_roi,mp3_roi]",
    "rebin": "network_spec.rebin=10",
    "input_scale": "network_spec.input_scale=0.00025",
}


class NetworkSpecError(RoilabError):
    """The input that a network needs is not known, or the node cannot give it."""


@dataclass(frozen=True)
class NetworkSpec:
    """Input and truth mask that a network was trained for.

    Attributes:
        layers: input tags without APA number, in order.
        planes: planes of the training; empty where they are not known.
        rebin: ticks per slice.
        input_scale: factor on the charge of the layers.
        mask_thresh: of the network.
        threshold: of its truth mask [electrons/tick].
        pad: of its truth mask.
        pad_unit: ``bins`` or ``ticks``.
    """

    layers: tuple[str, ...]
    planes: tuple[str, ...]
    rebin: int
    input_scale: float
    mask_thresh: float
    threshold: float
    pad: int
    pad_unit: PadUnit


def network_spec(
    file: "NetworkFile", given: Mapping[str, Any], data: Mapping[str, Any]
) -> NetworkSpec:
    """Return the input and truth mask of a network.

    Args:
        file: the network; its metadata is used where ``given`` is ``None``.
        given: settings of the user by name (``conf/network_spec``), ``None`` where not set.
        data: a data config for what neither has. Layers and rebin are never taken from it.

    Raises:
        NetworkSpecError: layers, rebin or scale are not known, a value has no meaning, or the
            network needs channels rebinned.
    """
    metadata = {**file.metadata, "threshold": file.metadata.get("truth_threshold")}
    values: dict[str, Any] = {
        key: metadata.get(key) if value is None else value for key, value in given.items()
    }
    _check_known(file.path, values, ("layers", "rebin"))
    if metadata.get("channel_rebin", 1) != 1:
        raise NetworkSpecError(
            f"{file.path}: was trained with channel_rebin={metadata['channel_rebin']}; WCT's node "
            "averages over ticks only, so it cannot run this network. Train with 1."
        )
    values = {key: data.get(key) if value is None else value for key, value in values.items()}
    _check_known(file.path, values, ("input_scale",))
    if values["mask_thresh"] is None:
        values["mask_thresh"] = WCT_MASK_THRESH
    _check_values(file.path, values, given)
    return NetworkSpec(
        layers=tuple(values["layers"]),
        planes=tuple(metadata.get("planes", ())),
        **{key: values[key] for key in _PLAIN},
    )


def _check_known(path: Path | None, values: Mapping[str, Any], keys: Sequence[str]) -> None:
    unknown = [key for key in keys if values[key] is None]
    if unknown and path is not None:
        raise NetworkSpecError(
            f"{path}: has no {' and no '.join(unknown)} (a TorchScript file without roilab's "
            "metadata); give them as the network was trained: "
            f"{' '.join(_EXAMPLES[key] for key in unknown)}."
        )


def _check_values(path: Path | None, values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check the settings of a network, also those in metadata that others wrote.

    Raises:
        NetworkSpecError: one has no meaning.
    """
    for key, value in values.items():
        if value is not None and (expected := _expected_value(key, value)):
            where = f"network_spec.{key}" if given.get(key) is not None else f"{path}: {key}"
            raise NetworkSpecError(
                f"{where} is {value!r}; expected {expected}. Set network_spec.{key} to the value "
                "of the training."
            )


def _expected_value(key: str, value: Any) -> str:
    """Return what is expected of a setting of ``NetworkSpec``; empty where ``value`` fits."""
    fits, expected = EXPECTED[key]
    return "" if fits(value) else expected


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of_tags(value: Any) -> bool:
    return isinstance(value, list | tuple) and value != [] and all(map(_is_text, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


# For every setting: whether a value fits, and what is expected.
EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "layers": (_is_list_of_tags, "a list of tags"),
    "rebin": (lambda value: _is_count(value) and value > 0, "an integer of at least 1"),
    "input_scale": (lambda value: _is_number(value) and value != 0, "a number other than 0"),
    "mask_thresh": (lambda value: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    "threshold": (_is_number, "a number of electrons per tick"),
    "pad": (_is_count, "an integer of at least 0"),
    "pad_unit": (lambda value: value in ("bins", "ticks"), "bins or ticks"),
}
