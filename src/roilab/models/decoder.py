"""Decoders: upsample, concatenate with the encoder's features of that size, convolve."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from roilab.models.blocks import DoubleConv, UpStage


class SkipDecoder(nn.Module):
    """Decoder with one stage for each size of the encoder's features except the deepest.

    ``encoder_features`` are the numbers of features at each size, from shallow to deep, ``widths``
    those after each stage, from deep to shallow. ``block`` makes the convolutions of a stage from
    the numbers of input and output features; for ``align_corners`` see ``UpStage``.
    """

    def __init__(
        self,
        encoder_features: Sequence[int],
        widths: Sequence[int],
        align_corners: bool,
        block: Callable[[int, int], nn.Module] = DoubleConv,
    ) -> None:
        super().__init__()
        *skips, deepest = encoder_features
        inputs = [deepest, *widths]
        self.stages = nn.ModuleList(
            UpStage(block(i + skip, o), align_corners)
            for i, skip, o in zip(inputs[:-1], reversed(skips), widths, strict=True)
        )

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Decode features (shallow to deep) to one image of the shallowest one's size."""
        x = features[-1]
        for depth, stage in enumerate(self.stages):
            x = stage(x, [features[-2 - depth]])
        return x


class PlainDecoder(nn.Module):
    """Decoder without skips: upsample and convolve the deepest features.

    ``widths`` are the numbers of features after each stage, which doubles the size.
    """

    def __init__(self, deepest: int, widths: Sequence[int], align_corners: bool) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for i, o in zip([deepest, *widths[:-1]], widths, strict=True):
            up = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=align_corners)
            stages += [up, DoubleConv(i, o)]
        self.stages = nn.Sequential(*stages)

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Decode the last of the features (shallow to deep); the others are not used."""
        return self.stages(features[-1])
