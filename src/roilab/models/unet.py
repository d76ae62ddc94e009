"""UNet: double convolutions down to 1/16 and back, the field's reference network."""

from collections.abc import Sequence

import torch
from torch import nn

from roilab.models.blocks import DoubleConv
from roilab.models.decoder import SkipDecoder


class DoubleConvEncoder(nn.Module):
    """Double convolutions with max pooling by 2 between them.

    Args:
        n_layers: input layers.
        widths: features at full size, 1/2, 1/4, ...
    """

    def __init__(self, n_layers: int, widths: Sequence[int]) -> None:
        super().__init__()
        inputs = [n_layers, *widths]
        self.stages = nn.ModuleList(
            DoubleConv(i, o) for i, o in zip(inputs[:-1], widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Features of every stage, from shallow to deep."""
        features: list[torch.Tensor] = []
        for depth, stage in enumerate(self.stages):
            x = stage(x if depth == 0 else self.pool(x))
            features.append(x)
        return features


class UNet(nn.Module):
    """The U-Net of JINST 16 (2021) P01036; pads inside, so any size of at least 32 works.

    Args:
        n_layers: input layers.
        encoder_widths: features at full size, 1/2, 1/4, 1/8, 1/16.
        decoder_widths: features after each stage on the way up.
    """

    def __init__(
        self, n_layers: int, encoder_widths: Sequence[int], decoder_widths: Sequence[int]
    ) -> None:
        super().__init__()
        self.encoder = DoubleConvEncoder(n_layers, encoder_widths)
        self.decoder = SkipDecoder(encoder_widths, decoder_widths)
        self.head = nn.Conv2d(decoder_widths[-1], 1, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Layers (batch, layer, channel, slice) to ROI logits (batch, 1, channel, slice)."""
        return self.head(self.decoder(self.encoder(x)))
