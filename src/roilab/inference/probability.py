"""The network as WCT's node calls it: layers in, ROI probability out."""

import torch
from torch import nn

from roilab.inference.checkpoint import TrainedNetwork


class RoiProbability(nn.Module):
    """Normalisation, network and sigmoid.

    Takes (batch, layer, channel, slice) float32 and gives the ROI probability (batch, 1, channel,
    slice) as contiguous float32, because the node copies its memory. Any number of channels and
    slices works, since the node may split an image along its channels.
    """

    def __init__(self, network: TrainedNetwork) -> None:
        super().__init__()
        self.normalization = network.normalization
        self.net = network.net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the probability of every pixel."""
        logits = self.net(self.normalization(image))
        return torch.sigmoid(logits.float()).contiguous()
