"""Pieces that the networks share; tensors are (batch, feature, channel, slice)."""

import torch
from torch import nn
from torch.nn import functional


class DoubleConv(nn.Sequential):
    """Twice: 3 x 3 convolution, batch norm, ReLU; the size stays."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for features in (inputs, outputs):
            layers += [
                nn.Conv2d(features, outputs, kernel_size=3, padding=1),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


def pad_to(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Zeros around an image up to the given size, the odd one at the end."""
    rows, columns = height - x.shape[-2], width - x.shape[-1]
    top, left = rows // 2, columns // 2
    return functional.pad(x, [left, columns - left, top, rows - top])


def pad_to_multiple(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """Zeros after the last channel and slice, up to the next multiple of both."""
    return functional.pad(x, [0, -x.shape[-1] % multiple, 0, -x.shape[-2] % multiple])
