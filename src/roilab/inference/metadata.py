"""Metadata of a network: what to feed it, and how it was made."""

import math
import subprocess
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import roilab
from roilab.errors import RoilabError
from roilab.wirecell import node_configuration


class MetadataError(RoilabError):
    """The metadata in a network's file cannot be what they should be."""


def _is_number(value: Any, low: float, high: float) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and low <= value <= high


def _is_count(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _is_text(value: Any) -> bool:
    # A "$" would begin a formula in a figure's title.
    return type(value) is str and 0 < len(value) <= 200 and value.isprintable() and "$" not in value


def _is_texts(value: Any) -> bool:
    return type(value) is list and 0 < len(value) <= 64 and all(map(_is_text, value))


# For every key that roilab reads: a check, and what is expected. All but layers may be null.
_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "layers": (_is_texts, "a list of tags"),
    "planes": (
        lambda value: type(value) is list and all(one in ("U", "V", "W") for one in value),
        "a list of U, V, W",
    ),
    "rebin": (lambda value: _is_count(value, 1, 10_000), "a whole number from 1 to 10000"),
    "channel_rebin": (lambda value: _is_count(value, 1, 10_000), "a whole number from 1 to 10000"),
    "input_scale": (
        lambda value: _is_number(value, -1e12, 1e12) and value != 0,
        "a number that is not 0",
    ),
    "mask_thresh": (lambda value: _is_number(value, 0, 1), "a number from 0 to 1"),
    "truth_threshold": (lambda value: _is_number(value, -1e12, 1e12), "a number"),
    "pad": (lambda value: _is_count(value, 0, 1_000_000), "a whole number from 0"),
    "pad_unit": (lambda value: value in ("bins", "ticks"), "bins or ticks"),
    "network": (_is_text, "a text of at most 200 characters, without line breaks and $"),
}


def check_metadata(metadata: Any, file: Path) -> dict[str, Any]:
    """Return metadata out of a file, after a check of every key that roilab reads.

    Args:
        metadata: contents of the file; empty for a network of other programs.
        file: where they come from, for the message.

    Raises:
        MetadataError: they are no mapping, or a value has another type or is out of range.
    """
    if not isinstance(metadata, dict):
        raise MetadataError(
            f"{file}: its metadata are of type {type(metadata).__name__}; expected an object of "
            "named values. Export the network again."
        )
    for key, (fits, expected) in _EXPECTED.items():
        value = metadata.get(key)
        if value is not None and not fits(value):
            got = ascii(value)
            raise MetadataError(
                f"{file}: {key} in its metadata is {got if len(got) <= 80 else got[:77] + '...'}; "
                f"expected {expected}. Export the network again, or do not use this file."
            )
    return metadata


def recipe_metadata(recipe: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Return the checked metadata of a recipe that came out of a file.

    Raises:
        MetadataError: the recipe lacks a setting, or one is out of range.
    """
    try:
        metadata = network_metadata(recipe)
    except RoilabError:
        raise
    except Exception as error:  # any type: the recipe can hold anything
        raise MetadataError(
            f"{file}: its recipe cannot be used ({type(error).__name__}: {ascii(str(error))[:80]});"
            " expected that of a checkpoint of roilab.train. Name another."
        ) from error
    return check_metadata(metadata, file)


def network_metadata(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata that an exported file carries.

    The keys of ``roilab.wirecell.node_configuration`` are those of WCT's node.

    Args:
        recipe: the configuration that a checkpoint saves.
    """
    data, model = recipe["data"], recipe["model"]
    return {
        **node_configuration(data, model["mask_thresh"]),
        "layers": list(data["layers"]),
        "planes": list(data["planes"]),
        "stack": data["stack"],
        "rebin": data["rebin"],
        "channel_rebin": data["channel_rebin"],
        "truth_threshold": data["threshold"],
        "pad": data["pad"],
        "pad_unit": data["pad_unit"],
        "network": network_name(recipe),
        "network_class": model["net"]["_target_"],
        "seed": recipe["seed"],
        "git_commit": git_commit(),
        "versions": {
            "roilab": roilab.__version__,
            "torch": torch.__version__,
            "lightning": version("lightning"),
            "timm": version("timm"),
        },
    }


def network_name(recipe: Mapping[str, Any]) -> str:
    """Return the name for figures and tables: ``model.name``, or the class where that is null."""
    model = recipe["model"]
    return str(model.get("name") or model["net"]["_target_"].rsplit(".", 1)[-1])


def git_commit() -> str | None:
    """Return the commit of the checkout that roilab runs from; ``None`` where it is installed."""
    repository = Path(__file__).parents[3]
    if not (repository / ".git").exists():
        return None
    command = ["git", "-C", str(repository), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
