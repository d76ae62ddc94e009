"""What a file says of itself."""

import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import roilab
from roilab.train.module import network_name
from roilab.wirecell import node_configuration


def export_metadata(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says of itself: what to feed it, and how it came to be.

    The keys of ``roilab.wirecell.node_configuration`` are those of WCT's node.

    Args:
        recipe: the configuration that a checkpoint holds.
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


def git_commit() -> str | None:
    """Commit of the checkout roilab runs from; ``None`` where it is installed."""
    repository = Path(__file__).parents[3]
    if not (repository / ".git").exists():
        return None
    command = ["git", "-C", str(repository), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
