"""The way back up: upsample, join with the encoder's features of that size, convolve."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from roilab.models.blocks import DoubleConv, pad_to


class UpStage(nn.Module):
    """Bilinear upsampling by 2, join with the skip, double convolution."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.conv = DoubleConv(inputs + skip, outputs)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """``x`` at half the size of ``skip`` (rounded down); the result has the skip's size."""
        x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        x = pad_to(x, skip.shape[-2], skip.shape[-1])
        return self.conv(torch.cat([skip, x], dim=1))


class SkipDecoder(nn.Module):
    """One stage for each of the encoder's features but the deepest.

    Args:
        encoder_features: numbers of features the encoder gives, from shallow to deep.
        widths: number of features after each stage, from deep to shallow.
    """

    def __init__(self, encoder_features: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        *skips, deepest = encoder_features
        inputs = [deepest, *widths]
        self.stages = nn.ModuleList(
            UpStage(i, skip, o)
            for i, skip, o in zip(inputs[:-1], reversed(skips), widths, strict=True)
        )

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Features from shallow to deep; the result has the shallowest one's size."""
        x = features[-1]
        for depth, stage in enumerate(self.stages):
            x = stage(x, features[-2 - depth])
        return x
