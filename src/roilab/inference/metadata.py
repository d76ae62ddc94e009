"""Metadata of a network: what to feed it, and how it was made."""

from collections.abc import Mapping
from typing import Any

from roilab.detectors import readout_config
from roilab.versions import git_commit, package_versions
from roilab.wirecell import node_configuration


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
