"""A trained network as the TorchScript file that WCT's DNNROIFinding runs."""

import json
import logging
import os
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

import roilab
from roilab.errors import RoilabError
from roilab.module import RoiModule
from roilab.torchscript import load_torchscript, save_torchscript

log = logging.getLogger(__name__)

_TOLERANCE = 1e-5  # on the probability, in float32
_PARITY_SIZES = ((64, 96), (75, 131))  # the second is odd in both axes


class ParityError(RoilabError):
    """The exported file does not compute what the network computes."""


class RoiProbability(nn.Module):
    """Normalisation, network and sigmoid, as WCT calls it.

    (batch, layer, channel, slice) float32 in, ROI probability (batch, 1, channel, slice) out,
    contiguous float32, because the node copies its memory as it lies. Any number of channels and
    slices, since the node may split an image along its channels.
    """

    def __init__(self, module: RoiModule) -> None:
        super().__init__()
        self.normalization = module.normalization
        self.net = module.net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Probability of every pixel."""
        logits = self.net(self.normalization(image))
        return torch.sigmoid(logits.float()).contiguous()


def export_torchscript(module: RoiModule, path: Path) -> dict[str, Any]:
    """Write a network's TorchScript file, and its metadata as JSON beside it.

    The file is loaded back and compared with the network at two image sizes before it gets its
    name.

    Args:
        module: on the CPU; put into evaluation mode.
        path: such as ``model.ts``.

    Returns:
        The metadata.

    Raises:
        ParityError: the outputs differ; no file is written.
    """
    metadata = export_metadata(module.recipe)
    probability = RoiProbability(module.eval())
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial_json = partial.with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_torchscript(probability, partial, metadata)
        check_parity(probability, load_torchscript(partial)[0], len(metadata["layers"]), path)
        partial_json.write_text(json.dumps(metadata, indent=2) + "\n")
        partial.replace(path)
        partial_json.replace(path.with_suffix(".json"))
    finally:
        partial.unlink(missing_ok=True)
        partial_json.unlink(missing_ok=True)
    log.info("exported %s", path)
    return metadata


@torch.no_grad()
def check_parity(eager: nn.Module, exported: nn.Module, n_layers: int, path: Path) -> None:
    """Compare two networks on random images.

    Raises:
        ParityError: probabilities differ by more than 1e-5; says where most.
    """
    generator = torch.Generator().manual_seed(0)
    for height, width in _PARITY_SIZES:
        image = torch.randn(1, n_layers, height, width, generator=generator)
        difference = (eager(image) - exported(image)).abs()
        worst = float(difference.max())
        if not worst <= _TOLERANCE:
            row, column = divmod(int(difference.argmax()), width)
            raise ParityError(
                f"{path}: not written: at {height} x {width} the exported network differs by "
                f"{worst:.2g} at channel {row}, slice {column}; expected at most {_TOLERANCE:g}. "
                "An operation of this network is not exported as it is computed."
            )


def export_metadata(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says of itself: what to feed it, and how it came to be."""
    data, model = recipe["data"], recipe["model"]
    scalar = data["normalization"] == "scalar"
    return {
        "layers": list(data["layers"]),
        "planes": list(data["planes"]),
        "stack": data["stack"],
        "rebin": data["rebin"],
        "channel_rebin": data["channel_rebin"],
        "input_scale": data["input_scale"] if scalar else 1.0,
        "truth_threshold": data["threshold"],
        "pad": data["pad"],
        "pad_unit": data["pad_unit"],
        "mask_thresh": model["mask_thresh"],
        "network": model["net"]["_target_"],
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
    repository = Path(__file__).parents[2]
    if not (repository / ".git").exists():
        return None
    command = ["git", "-C", str(repository), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
