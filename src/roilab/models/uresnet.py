"""UResNet: a U-Net of residual blocks, down to 1/8 by strided convolutions."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from roilab.models.unet import UNet


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions plus a shortcut of one 1 x 1 convolution.

    Batch norm and ReLU come before each 3 x 3 convolution (arXiv:1603.05027).
    They are left out before the first one in the block that takes the input image (``activated``
    false). Image sizes are divided by the ``stride`` of the first one and rounded up.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, activated: bool = True) -> None:
        super().__init__()
        activation = [nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)] if activated else []
        self.residual = nn.Sequential(
            *activation,
            nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, kernel_size=3, padding=1),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map features (batch, feature, channel, slice) to features."""
        return self.shortcut(x) + self.residual(x)


class ResidualEncoder(nn.Module):
    """Residual blocks, all except the first with stride 2.

    ``widths`` are the numbers of features at full size, 1/2, 1/4, ...
    """

    def __init__(self, n_layers: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList([ResidualBlock(n_layers, widths[0], activated=False)])
        for i, o in pairwise(widths):
            self.stages.append(ResidualBlock(i, o, stride=2))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every stage, shallow to deep; strides round odd sizes up."""
        features: list[torch.Tensor] = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class UResNet(UNet):
    """Residual U-Net (arXiv:1711.10684), padded inside; arguments as of ``UNet``.

    Loads weights of the reference code (Pytorch-UNet).
    """

    encoder_class: ClassVar[type[nn.Module]] = ResidualEncoder
    block_class: ClassVar[type[nn.Module]] = ResidualBlock
    reference_names: ClassVar[Mapping[str, str]] = {
        "inc.conv.": "encoder.stages.0.residual.",
        "inc.shortcut.": "encoder.stages.0.shortcut.",
        "outc.conv.": "head.",
        **{
            f"{theirs}.{branch}.": f"{ours}.{our_branch}."
            for branch, our_branch in (("conv", "residual"), ("shortcut", "shortcut"))
            for theirs, ours in (
                *((f"down{i}.mpconv", f"encoder.stages.{i}") for i in range(1, 4)),
                *((f"up{i + 2}.conv", f"decoder.stages.{i}.conv") for i in range(3)),
            )
        },
    }
