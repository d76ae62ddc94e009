"""UResNet: a U-Net of residual blocks, down to 1/8 by strided convolutions."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from roilab.models.decoder import SkipDecoder
from roilab.models.network import RoiNetwork


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, activated before each, added to a 1 x 1 convolution.

    The pre-activated residual unit of arXiv:1603.05027.

    Args:
        inputs: features in.
        outputs: features out.
        stride: of the first convolution; sizes are divided by it and rounded up.
        activated: batch norm and ReLU before the first convolution too; not for an image.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, activated: bool = True) -> None:
        super().__init__()
        before = [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)] if activated else []
        self.residual = nn.Sequential(
            *before,
            nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, kernel_size=3, padding=1),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, feature, channel, slice) in and out."""
        return self.shortcut(x) + self.residual(x)


class ResidualEncoder(nn.Module):
    """Residual blocks, all but the first with stride 2.

    Args:
        n_layers: input layers.
        widths: features at full size, 1/2, 1/4, ...
    """

    def __init__(self, n_layers: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList([ResidualBlock(n_layers, widths[0], activated=False)])
        for i, o in pairwise(widths):
            self.stages.append(ResidualBlock(i, o, stride=2))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Features of every stage, from shallow to deep; halves of odd sizes are rounded up."""
        features: list[torch.Tensor] = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class UResNet(RoiNetwork):
    """Residual U-Net (Deep Residual U-Net, arXiv:1711.10684), with padding inside.

    Reads weights of the reference code (Pytorch-UNet).

    Args:
        n_layers: input layers.
        encoder_widths: features at full size, 1/2, 1/4, 1/8.
        decoder_widths: features after each stage on the way up.
        align_corners: see ``UpStage``.
    """

    reference_names: ClassVar[Mapping[str, str]] = {
        "inc.conv.": "encoder.stages.0.residual.",
        "inc.shortcut.": "encoder.stages.0.shortcut.",
        "outc.conv.": "head.",
        **{
            f"{there}.{branch}.": f"{here}.{own}."
            for branch, own in (("conv", "residual"), ("shortcut", "shortcut"))
            for there, here in (
                *((f"down{i}.mpconv", f"encoder.stages.{i}") for i in range(1, 4)),
                *((f"up{i + 2}.conv", f"decoder.stages.{i}.conv") for i in range(3)),
            )
        },
    }

    def __init__(
        self,
        n_layers: int,
        encoder_widths: Sequence[int],
        decoder_widths: Sequence[int],
        align_corners: bool,
    ) -> None:
        super().__init__(
            n_layers,
            encoder=ResidualEncoder(n_layers, encoder_widths),
            decoder=SkipDecoder(encoder_widths, decoder_widths, align_corners, ResidualBlock),
            head=nn.Conv2d(decoder_widths[-1], 1, kernel_size=1),
            multiple=1,
        )
