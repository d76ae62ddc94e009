"""Metadata of a network: what to feed it, and how it was made."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roilab.detectors import readout_config
from roilab.errors import RoilabError
from roilab.inference.spec import EXPECTED
from roilab.inference.working_point import WorkingPoint
from roilab.versions import git_commit, package_versions
from roilab.wirecell import node_configuration


class MetadataError(RoilabError):
    """The metadata in a network's file cannot be what they should be."""


def _is_name(value: Any) -> bool:
    # A "$" would begin a formula in a figure's title.
    return type(value) is str and 0 < len(value) <= 200 and value.isprintable() and "$" not in value


def _are_planes(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(one in ("U", "V", "W") for one in value)


# As EXPECTED; the user cannot replace these values.
_FIXED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "planes": (_are_planes, "a list of U, V, W"),
    "channel_rebin": EXPECTED["rebin"],
    "network": (_is_name, "a text of at most 200 characters, without line breaks and $"),
}
_OF_RECIPE = {**EXPECTED, **_FIXED, "truth_threshold": EXPECTED["threshold"]}


def check_metadata(
    metadata: dict[str, Any],
    file: Path,
    expected: Mapping[str, tuple[Callable[[Any], bool], str]] = _FIXED,
) -> dict[str, Any]:
    """Return metadata out of a file, after a check.

    By default, of what no setting of the user replaces; ``network_spec`` checks the rest.

    Args:
        metadata: contents of the file; empty for a network of other programs.
        file: where they come from, for the message.
        expected: for every key, whether a value fits, and what is expected.

    Raises:
        MetadataError: a value has another type or is out of range.
    """
    for key, (fits, text) in expected.items():
        value = metadata.get(key)
        if value is not None and not fits(value):
            got = ascii(value)
            raise MetadataError(
                f"{file}: {key} in its metadata is {got if len(got) <= 80 else got[:77] + '...'}; "
                f"expected {text}. Export the network again, or do not use this file."
            )
    return metadata


def recipe_metadata(
    recipe: Mapping[str, Any], working_point: WorkingPoint, file: Path
) -> dict[str, Any]:
    """Return the checked metadata of a recipe and a working point that came out of a file.

    Raises:
        MetadataError: the recipe lacks a setting, or one is out of range.
    """
    try:
        metadata = network_metadata(recipe, working_point)
    except RoilabError:
        raise
    except Exception as error:  # any type: the recipe can hold anything
        raise MetadataError(
            f"{file}: its recipe cannot be used ({type(error).__name__}: {ascii(str(error))[:80]});"
            " expected that of a checkpoint of roilab.train. Name another."
        ) from error
    return check_metadata(metadata, file, _OF_RECIPE)


def network_metadata(recipe: Mapping[str, Any], working_point: WorkingPoint) -> dict[str, Any]:
    """Return the metadata that an exported file carries.

    The keys of ``roilab.wirecell.node_configuration`` are those of WCT's node.

    Args:
        recipe: the configuration that a checkpoint saves.
        working_point: its mask threshold.
    """
    data, model = recipe["data"], recipe["model"]
    return {
        **node_configuration(data, working_point.mask_thresh),
        "working_point": working_point.summary(),
        "layers": list(data["layers"]),
        "planes": list(data["planes"]),
        "stack": data["stack"],
        "rebin": data["rebin"],
        "channel_rebin": data["channel_rebin"],
        "truth_threshold": data["threshold"],
        "pad": data["pad"],
        "pad_unit": data["pad_unit"],
        "readout": readout_config(data),
        "network": network_name(recipe),
        "network_class": model["net"]["_target_"],
        "seed": recipe["seed"],
        "git_commit": git_commit(),
        "versions": package_versions(),
    }


def network_name(recipe: Mapping[str, Any]) -> str:
    """Return the name for figures and tables: ``model.name``, or the class where that is null."""
    model = recipe["model"]
    return str(model.get("name") or model["net"]["_target_"].rsplit(".", 1)[-1])
