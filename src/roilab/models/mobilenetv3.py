"""MobileNetV3-UNet: timm's MobileNetV3 as encoder, a U-Net decoder with skips."""

from collections.abc import Sequence
from typing import Any

import timm
import torch
from torch import nn
from torch.nn import functional

from roilab.models.blocks import DoubleConv, pad_to_multiple
from roilab.models.decoder import SkipDecoder


class MobileNetV3UNet(nn.Module):
    """Pads to a multiple of the encoder's stride (32) outside and crops back.

    Args:
        n_layers: input layers.
        encoder: timm's name of the encoder (MobileNetV3 large, width 1.0).
        pretrained: start from timm's ImageNet weights, which it then downloads.
        decoder_widths: features after each of the four stages on the way up to half size.
        full_width: features at full size.
    """

    def __init__(
        self,
        n_layers: int,
        encoder: str,
        pretrained: bool,
        decoder_widths: Sequence[int],
        full_width: int,
    ) -> None:
        super().__init__()
        self.encoder = timm.create_model(
            encoder, features_only=True, in_chans=n_layers, pretrained=pretrained
        )
        features: Any = self.encoder.feature_info
        self.stride: int = features.reduction()[-1]
        self.decoder = SkipDecoder(features.channels(), decoder_widths)
        self.full = DoubleConv(decoder_widths[-1], full_width)
        self.head = nn.Conv2d(full_width, 1, kernel_size=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Layers (batch, layer, channel, slice) to ROI logits (batch, 1, channel, slice)."""
        half = self.decoder(self.encoder(pad_to_multiple(x, self.stride)))
        full = functional.interpolate(half, scale_factor=2.0, mode="bilinear", align_corners=True)
        logits = self.head(self.full(full))
        return logits[:, :, : x.shape[-2], : x.shape[-1]]
