"""Blocks that the networks share; tensors are (batch, feature, channel, slice)."""

import torch
from torch import nn
from torch.nn import functional

from roilab.models.joining import join_in_training


class DoubleConv(nn.Sequential):
    """Two times 3 x 3 convolution, batch norm and ReLU; ``stride`` is that of the first."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        layers: list[nn.Module] = []
        for features, step in ((inputs, stride), (outputs, 1)):
            layers += [
                nn.Conv2d(features, outputs, kernel_size=3, stride=step, padding=1),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class UpStage(nn.Module):
    """Upsample by 2 (bilinear), concatenate with the skips of that size, apply convolutions.

    Args:
        block: convolutions on the concatenated features (skips first, then upsampled).
        align_corners: ``True`` aligns the centres of the corner pixels, as in the reference
            networks; pixels then move by up to half a pixel across the image. With ``False`` a
            shift of the coarse image by 1 is a shift of the fine image by exactly 2.
    """

    def __init__(self, block: nn.Module, align_corners: bool) -> None:
        super().__init__()
        self.up = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=align_corners)
        self.conv = block

    def forward(self, x: torch.Tensor, skips: list[torch.Tensor]) -> torch.Tensor:
        """Return features of the size of ``skips``; ``x`` has half that size, rounded."""
        x = self.up(x)
        # A padding of 0 copies the image twice, forward and backward. Exported networks always pad:
        # a traced graph would fix the choice made for the image of the trace.
        if not self.training or x.shape[-2:] != skips[0].shape[-2:]:
            x = pad_to(x, skips[0].shape[-2], skips[0].shape[-1])
        parts = skips + [x]  # noqa: RUF005 (not in TorchScript)
        if self.training and not torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self.conv(join_in_training(parts))
        return self.conv(torch.cat(parts, dim=1))


def pad_to(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Pad an image with zeros on all sides to a size; an odd row or column goes to the end.

    An image that is too large by one loses its first channel or slice, as in the reference code.
    """
    rows, columns = height - x.shape[-2], width - x.shape[-1]
    top, left = rows // 2, columns // 2
    return functional.pad(x, [left, columns - left, top, rows - top])


def pad_to_multiple(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """Pad with zeros after the last channel and slice, so that ``multiple`` divides both sizes."""
    return functional.pad(x, [0, -x.shape[-1] % multiple, 0, -x.shape[-2] % multiple])
