"""The networks that are delivered, and the plain ones they are compared with."""

import torch
from torch import nn

from roilab.train.module import RoiModule
from roilab.wirecell.torchscript import deprecation_silenced

_TRACED_SIZE = (128, 192)


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


@torch.no_grad()
def plain_trace(module: RoiModule) -> torch.jit.ScriptModule:
    """Network and sigmoid as ``torch.jit.trace`` gives them: what roilab's export is measured by.

    Nothing is folded, no memory saved, and tensors lie as they come (batch, layer, channel, slice).
    """
    probability = RoiProbability(module.eval()).to(memory_format=torch.contiguous_format)
    image = torch.zeros(1, len(module.recipe["data"]["layers"]), *_TRACED_SIZE)
    with deprecation_silenced():
        traced: torch.jit.ScriptModule = torch.jit.trace(probability, image)  # type: ignore[no-untyped-call]
    return traced
