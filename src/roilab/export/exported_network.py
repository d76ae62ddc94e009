"""The module inside an exported file: normalisation, network and sigmoid."""

import copy
import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from roilab.config.rules import count_slices
from roilab.detectors import Readout
from roilab.export.settings import ExportSettings
from roilab.inference import TrainedNetwork
from roilab.models import LayerNormalization
from roilab.tiling import (
    MemoryModel,
    Plan,
    TiledNetwork,
    lower,
    peak_bytes,
    plan_full_images,
    plan_within,
)

log = logging.getLogger(__name__)

# Memory of the process in addition to the planned tensors [bytes]: buffers of the convolution
# library, and freed blocks below 32 MiB, which glibc does not return to the system.
# Measured: 0.1e9 to 0.4e9.
OVERHEAD = 300_000_000


class ExportedNetwork(nn.Module):
    """Normalisation, network and sigmoid, as ``RoiProbability`` computes them.

    Batch norms are fused into convolutions, tensors have the memory layout ``channels_last``, and
    large feature images are computed in bands of channels where the bound on memory requires it. In
    bf16, only normalisation and sigmoid are computed in float32.

    Args:
        network: on the CPU, in evaluation mode; not changed.
        settings: precision and bound on memory.

    Attributes:
        steps_in_bands: number of steps that run in bands for an image of the recipe's size.
        expected_mb: expected memory of such an image above the loaded file [MB].
    """

    def __init__(self, network: TrainedNetwork, settings: ExportSettings) -> None:
        super().__init__()
        bf16 = settings.precision == "bf16"
        preprocess = input_normalization(network.normalization, bf16)
        graph = lower(network.net, preprocess, len(network.recipe["data"]["layers"]))
        size = image_size(network.recipe)
        model = MemoryModel(graph, size, bytes_per_number=2 if bf16 else 4)
        plan = _plan(model, settings.max_memory_mb)
        self.expected_mb = (plan.peak + OVERHEAD) / 1e6
        self.steps_in_bands = sum(0 < s.rows < model.heights[s.target] for s in plan.steps)
        tiled = TiledNetwork(graph, plan.steps, size[1], bf16)
        if bf16:
            tiled.to(torch.bfloat16)
            preprocess.to(torch.float32)
        self.net = tiled.to(memory_format=torch.channels_last)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the ROI probability.

        Args:
            image: shape (batch, layer, channel, slice), float32.

        Returns:
            Shape (batch, 1, channel, slice), float32, contiguous.
        """
        logits = self.net(image)
        logits = logits.narrow(2, 0, image.shape[2]).narrow(3, 0, image.shape[3])
        return torch.sigmoid(logits.to(torch.float32)).contiguous()


class PlainNetwork(nn.Module):
    """The same for a network with operations that cannot be computed in bands.

    Args:
        network: on the CPU, in evaluation mode; not changed.
        settings: precision; the bound on memory has no effect.

    Attributes:
        expected_mb: expected memory of an image of the recipe's size above the loaded file [MB].
    """

    def __init__(self, network: TrainedNetwork, settings: ExportSettings) -> None:
        super().__init__()
        bf16 = settings.precision == "bf16"
        self.preprocess = input_normalization(network.normalization, bf16)
        self.net = copy.deepcopy(network.net).bfloat16() if bf16 else network.net
        n_layers, size = len(network.recipe["data"]["layers"]), image_size(network.recipe)
        self.expected_mb = (peak_bytes(self, n_layers, size) + OVERHEAD) / 1e6

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the ROI probability, as ``ExportedNetwork``."""
        logits = self.net(self.preprocess(image))
        return torch.sigmoid(logits.to(torch.float32)).contiguous()


class InputNormalization(nn.Module):
    """Normalise layers in float32, then convert them to bf16 if ``bf16``."""

    def __init__(self, normalization: LayerNormalization, bf16: bool) -> None:
        super().__init__()
        self.mean = nn.Parameter(normalization.mean.detach().clone(), requires_grad=False)
        self.width = nn.Parameter(normalization.width.detach().clone(), requires_grad=False)
        self.bf16 = bf16

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return an image of the same shape."""
        x = (image - self.mean) / self.width
        return x.to(torch.bfloat16) if self.bf16 else x


def input_normalization(normalization: LayerNormalization, bf16: bool) -> nn.Module:
    """Return the normalisation of the input; the identity where it would change nothing."""
    measured = bool((normalization.mean != 0).any() or (normalization.width != 1).any())
    return InputNormalization(normalization, bf16) if measured or bf16 else nn.Identity()


def image_size(recipe: Mapping[str, Any]) -> tuple[int, int]:
    """Return channels and slices of the largest image in the data of a recipe."""
    data = recipe["data"]
    readout = Readout.from_config(data)
    ranges = [readout.ranges[plane] for plane in data["planes"]]
    channels = [last - first for first, last in ranges]
    first, last = readout.tick_range
    rows = (sum(channels) if data["stack"] else max(channels)) // data["channel_rebin"]
    return rows, count_slices(last - first, data["rebin"])


def _plan(model: MemoryModel, max_memory_mb: float | None) -> Plan:
    if max_memory_mb is None:
        return plan_full_images(model)
    plan = plan_within(model, max(int(max_memory_mb * 1e6) - OVERHEAD, 1))
    if plan.peak + OVERHEAD > max_memory_mb * 1e6:
        log.warning(
            "export.max_memory_mb=%g: this network needs about %.0f MB for an image of %d x %d: "
            "operations on full images (squeeze-excite, attention), stored features and the "
            "libraries take that much. It is exported with the smallest memory possible.",
            max_memory_mb,
            (plan.peak + OVERHEAD) / 1e6,
            model.heights[0],
            model.widths[0],
        )
    return plan
