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


class UpStage(nn.Module):
    """Bilinear upsampling by 2, join with the skips of that size, a block of convolutions.

    Args:
        block: takes the joined features, in the order skips, upsampled.
        align_corners: upsample corner pixel to corner pixel, as the reference networks do; the
            pixels then drift by up to half a pixel across the image. Without, every shift of the
            coarse image is exactly twice that shift of the fine one.
    """

    def __init__(self, block: nn.Module, align_corners: bool) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=align_corners)
        self.conv = block

    def forward(self, x: torch.Tensor, skips: list[torch.Tensor]) -> torch.Tensor:
        """``x`` at half the size of ``skips``, rounded either way; the result has their size."""
        x = pad_to(self.up(x), skips[0].shape[-2], skips[0].shape[-1])
        return self.conv(torch.cat(skips + [x], dim=1))  # noqa: RUF005 (TorchScript has no stars)


def pad_to(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Zeros around an image up to the given size, the odd one at the end.

    An image that is too large by one loses its first channel or slice, as in the reference code.
    """
    rows, columns = height - x.shape[-2], width - x.shape[-1]
    top, left = rows // 2, columns // 2
    return functional.pad(x, [left, columns - left, top, rows - top])


def pad_to_multiple(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """Zeros after the last channel and slice, up to the next multiple of both."""
    return functional.pad(x, [0, -x.shape[-1] % multiple, 0, -x.shape[-2] % multiple])
