"""Encoder of plain convolutions; for timm's encoders see ``timm_encoder``."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from roilab.models.blocks import DoubleConv


class DoubleConvEncoder(nn.Module):
    """Double convolutions with max pooling by 2 between them.

    ``widths`` are the numbers of features at ``1 / stride`` of the image's size, a half of that,
    a quarter, ...
    """

    def __init__(self, n_layers: int, widths: Sequence[int], stride: int = 1) -> None:
        super().__init__()
        self.stages = nn.ModuleList([DoubleConv(n_layers, widths[0], stride)])
        self.stages.extend(DoubleConv(i, o) for i, o in pairwise(widths))
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every stage, shallow to deep; pooling rounds odd sizes down."""
        features: list[torch.Tensor] = []
        for depth, stage in enumerate(self.stages):
            x = stage(x if depth == 0 else self.pool(x))
            features.append(x)
        return features
