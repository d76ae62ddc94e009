"""The module that goes into the file: folded, planned, padded inside."""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from roilab.bands import BandedNetwork, Costs, Plan, Step, in_bands, lower, whole, within
from roilab.delivery.settings import ExportSettings
from roilab.models import LayerNormalization, RoiNetwork
from roilab.module import RoiModule

log = logging.getLogger(__name__)

_RESERVED = 1.1  # of the planned memory: what the allocator and the convolutions' library add


class Deliverable(nn.Module):
    """Normalisation, network and sigmoid as ``RoiProbability``, made for delivery.

    Batch norms are folded into convolutions, weights lie layers last, and large images are
    evaluated in bands where the settings ask for it. In bf16 all but normalisation and sigmoid is
    computed in it.

    Args:
        module: on the CPU, in evaluation mode; left as it is.
        settings: precision and memory.

    Attributes:
        plan: of its evaluation; not in the file.
    """

    def __init__(self, module: RoiModule, settings: ExportSettings) -> None:
        super().__init__()
        net = module.net
        assert isinstance(net, RoiNetwork)
        bf16 = settings.precision == "bf16"
        before = _before(module, bf16)
        graph = lower(net, before)
        size = image_size(module.recipe)
        self.costs = Costs(graph, size, 2 if bf16 else 4)
        self.plan = _planned(self.costs, settings)
        banded = BandedNetwork(graph, self.plan.steps, size[1], bf16)
        if bf16:
            banded.to(torch.bfloat16)
            before.to(torch.float32)
        self.net = banded.to(memory_format=torch.channels_last)

    @torch.jit.unused
    def plan_heights(self) -> list[tuple[Step, int]]:
        """Steps but the region's, each with the height of its image."""
        return [(step, self.costs.heights[step.target]) for step in self.plan.steps if step.active]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(batch, layer, channel, slice) float32 to (batch, 1, channel, slice) float32."""
        logits = self.net(image).narrow(2, 0, image.shape[2]).narrow(3, 0, image.shape[3])
        return torch.sigmoid(logits.to(torch.float32)).contiguous()


class Before(nn.Module):
    """Normalisation in float32, and the number format of the network.

    Args:
        normalization: of the layers.
        bf16: or float32.
    """

    def __init__(self, normalization: LayerNormalization, bf16: bool) -> None:
        super().__init__()
        self.mean = nn.Parameter(normalization.mean.detach().clone(), requires_grad=False)
        self.width = nn.Parameter(normalization.width.detach().clone(), requires_grad=False)
        self.bf16 = bf16

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Same shape."""
        x = (image - self.mean) / self.width
        return x.to(torch.bfloat16) if self.bf16 else x


def _before(module: RoiModule, bf16: bool) -> nn.Module:
    """What an image goes through before the network; nothing where it would stay as it is."""
    normalization = module.normalization
    measured = bool((normalization.mean != 0).any() or (normalization.width != 1).any())
    return Before(normalization, bf16) if measured or bf16 else nn.Identity()


def image_size(recipe: Mapping[str, Any]) -> tuple[int, int]:
    """Channels and slices of the largest image that a recipe's data gives."""
    data = recipe["data"]
    ranges = [data["channel_range"] or data["channel_ranges"][plane] for plane in data["planes"]]
    channels = [last - first for first, last in ranges]
    first, last = data["tick_range"]
    rows = (sum(channels) if data["stack"] else max(channels)) // data["channel_rebin"]
    return rows, (last - first) // data["rebin"]


def _planned(costs: Costs, settings: ExportSettings) -> Plan:
    if settings.band is not None:
        return in_bands(costs, settings.levels, settings.band)
    if settings.max_memory_mb is None:
        return whole(costs)
    plan = within(costs, int(settings.max_memory_mb * 1e6 / _RESERVED))
    if plan.peak * _RESERVED > settings.max_memory_mb * 1e6:
        log.warning(
            "export.max_memory_mb=%g: this network needs about %.0f MB for an image of %d x %d, "
            "because what runs on whole images (squeeze-excite, attention) or must be kept takes "
            "that much; it is exported with that.",
            settings.max_memory_mb,
            plan.peak * _RESERVED / 1e6,
            costs.heights[0],
            costs.widths[0],
        )
    return plan
