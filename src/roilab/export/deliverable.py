"""The module that goes into the file: folded, planned, padded inside."""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from roilab.export.settings import ExportSettings
from roilab.inference import TrainedNetwork
from roilab.models import LayerNormalization, RoiNetwork
from roilab.tiling import BandedNetwork, Costs, Plan, in_bands, lower, whole, within

log = logging.getLogger(__name__)

_CORNER = 64  # channels and slices, enough for every network
# What a process takes beside the planned tensors [bytes]: the convolutions' library, and blocks
# below 32 MiB, which glibc keeps, with holes between them. Measured: 0.2e9 to 0.4e9.
_BESIDE = 300_000_000


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
        steps_in_bands: number of its steps that large images take in bands.
        expected_mb: memory of one image of the recipe's size beside the loaded file [MB].
    """

    def __init__(self, module: TrainedNetwork, settings: ExportSettings) -> None:
        super().__init__()
        net = module.net
        assert isinstance(net, RoiNetwork)
        bf16 = settings.precision == "bf16"
        before = _before(module, bf16)
        graph = lower(net, before)
        size = image_size(module.recipe)
        self.costs = Costs(graph, size, 2 if bf16 else 4)
        self.plan = _planned(self.costs, settings)
        self.expected_mb = (self.plan.peak + _BESIDE) / 1e6
        steps = [(step.rows, self.costs.heights[step.target]) for step in self.plan.steps]
        self.steps_in_bands = sum(0 < rows < height for rows, height in steps)
        self.corner = _CORNER
        banded = BandedNetwork(graph, self.plan.steps, size[1], bf16)
        if bf16:
            banded.to(torch.bfloat16)
            before.to(torch.float32)
        self.net = banded.to(memory_format=torch.channels_last)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(batch, layer, channel, slice) float32 to (batch, 1, channel, slice) float32."""
        parts = [image]
        if self.steps_in_bands > 0 and min(image.shape[2:]) > self.corner and not image.is_cuda:
            # First a corner: what libraries and TorchScript keep of a first call is then allocated
            # before large blocks, not between them, where it would leave holes in memory.
            parts = [image.narrow(2, 0, self.corner).narrow(3, 0, self.corner), image]
        logits = image
        for part in parts:
            logits = self.net(part)
        logits = logits.narrow(2, 0, image.shape[2]).narrow(3, 0, image.shape[3])
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


def _before(module: TrainedNetwork, bf16: bool) -> nn.Module:
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
    plan = within(costs, max(int(settings.max_memory_mb * 1e6) - _BESIDE, 1))
    if plan.peak + _BESIDE > settings.max_memory_mb * 1e6:
        log.warning(
            "export.max_memory_mb=%g: this network needs about %.0f MB for an image of %d x %d, "
            "because what runs on whole images (squeeze-excite, attention), what must be kept and "
            "the libraries take that much; it is exported with that.",
            settings.max_memory_mb,
            (plan.peak + _BESIDE) / 1e6,
            costs.heights[0],
            costs.widths[0],
        )
    return plan
