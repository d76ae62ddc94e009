"""Operations on bands of rows; a band has exactly the values of the same rows of a full image.

Every operation gets the rows of its inputs that ``receptive_rows.input_rows`` returns. Tensors are
(batch, feature, channel, slice). TorchScript compiles all classes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from roilab.tiling.receptive_rows import row_geometry, zero_rows_above


class Band(NamedTuple):
    """Position of a band: rows ``first`` to ``last`` (half-open) of the output."""

    first: int
    last: int
    height_out: int  # of the full output
    first_in: int  # first row of the input band
    height_in: int  # of the full input
    width: int  # slices of the output


class Convolution(nn.Module):
    """Sum of one convolution per input, then an activation.

    The sum equals one convolution of the concatenated inputs. Zeros are added at the edges of the
    image, not at the edges of a band.

    Args:
        parts: convolutions of equal geometry; only the first has a bias.
    """

    def __init__(self, parts: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        conv, *others = parts
        self.weight, self.bias, self.groups = conv.weight, conv.bias, conv.groups
        self.others = nn.ModuleList(ConvolutionWeight(other.weight) for other in others)
        self.activation: nn.Module = nn.Identity()  # in place, where it can be
        self.stride, self.dilation, self.padding = (
            int(pair[0]) for pair in (conv.stride, conv.dilation, conv.padding)
        )
        self.extent = self.dilation * (conv.kernel_size[0] - 1) + 1
        self.geometry = row_geometry((self.extent, self.stride, self.padding))

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        y = self.convolve(inputs[0], self.weight, self.bias, band)
        for index, other in enumerate(self.others):
            y.add_(self.convolve(inputs[index + 1], other(), None, band))
        return self.activation(y)

    def convolve(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, band: Band
    ) -> torch.Tensor:
        """Return the output band of one convolution."""
        above = max(self.padding - band.first * self.stride, 0)
        end = (band.last - 1) * self.stride - self.padding + self.extent
        below = max(end - band.height_in, 0)
        count = (x.shape[2] + 2 * self.padding - self.extent) // self.stride + 1
        padding = 0
        if above == self.padding and count == band.last - band.first:
            padding = self.padding  # let conv2d add the zeros, without a copy of the input
        elif above + below > 0:
            x = torch.constant_pad_nd(x, [0, 0, above, below], 0.0)
        return torch.conv2d(
            x,
            weight,
            bias,
            [self.stride, self.stride],
            [padding, self.padding],
            [self.dilation, self.dilation],
            self.groups,
        )


class ConvolutionWeight(nn.Module):
    """Weight of a convolution of a further input."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self) -> torch.Tensor:
        """Return the weight, shape (output, input, channel, slice)."""
        return self.weight


class MaxPool(nn.Module):
    """Maximum of a window, without pixels outside the image."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        numbers: Any = (pool.kernel_size, pool.stride, pool.padding)
        self.extent, self.stride, self.padding = (int(number) for number in numbers)
        self.geometry = row_geometry((self.extent, self.stride, self.padding))

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        above = max(self.padding - band.first * self.stride, 0)
        end = (band.last - 1) * self.stride - self.padding + self.extent
        below = max(end - band.height_in, 0)
        x = inputs[0]
        if above + below > 0:
            x = torch.constant_pad_nd(x, [0, 0, above, below], -float("inf"))
        kernel, stride = [self.extent, self.extent], [self.stride, self.stride]
        return torch.max_pool2d(x, kernel, stride, [0, self.padding])


class BilinearUpsampling(nn.Module):
    """Bilinear upsampling with the coordinates of the full image."""

    def __init__(self, scale: int, align_corners: bool) -> None:
        super().__init__()
        self.scale, self.align_corners = scale, align_corners
        self.geometry = row_geometry(scale=scale, align_corners=align_corners)

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        x = inputs[0]
        if band.last - band.first == band.height_out:
            size = [band.height_out, band.width]
            return torch._C._nn.upsample_bilinear2d(x, size, self.align_corners, None)
        if not self.align_corners:
            # Coordinates shift by integers: upsample the band, then cut off its ends, which
            # lack their neighbours.
            size = [x.shape[2] * self.scale, band.width]
            x = torch._C._nn.upsample_bilinear2d(x, size, False, None)
            return x.narrow(2, band.first - band.first_in * self.scale, band.last - band.first)
        step = float(band.height_in - 1) / float(max(band.height_out - 1, 1))
        at = torch.arange(band.first, band.last, device=x.device).to(torch.float32) * step
        row = at.floor().clamp(max=float(band.height_in - 1))
        weight = (at - row).view(-1, 1, 1)
        above = row.to(torch.long) - band.first_in
        below = (above + 1).clamp(max=x.shape[2] - 1)
        features_last = x.permute(0, 2, 3, 1)
        upper = features_last.index_select(1, above).to(torch.float32)
        lower = features_last.index_select(1, below).to(torch.float32)
        x = torch.lerp(upper, lower, weight).to(x.dtype).permute(0, 3, 1, 2)
        size = [band.last - band.first, band.width]
        return torch._C._nn.upsample_bilinear2d(x, size, True, None)


class PixelShuffle(nn.Module):
    """Features placed as the pixels of an image ``scale`` times as large, as in torch."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.geometry = row_geometry(scale=scale)

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        x = torch.pixel_shuffle(inputs[0], self.scale)
        return x.narrow(2, band.first - band.first_in * self.scale, band.last - band.first)


class PadOrCrop(nn.Module):
    """Place an image in the middle of another size, or add zeros after both ends to a multiple."""

    def __init__(self, multiple: int = 1) -> None:
        super().__init__()
        self.geometry = row_geometry(padding=multiple)

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        begin = band.first - zero_rows_above(self.geometry, band.height_in, band.height_out)
        end = begin + band.last - band.first
        low, high = band.first_in, band.first_in + inputs[0].shape[2]
        first = min(max(begin, low), high)
        last = min(max(end, first), high)
        x = inputs[0].narrow(2, first - low, last - first)
        top = max(min(low, end) - begin, 0)
        bottom = band.last - band.first - top - x.shape[2]
        left = zero_rows_above(self.geometry, x.shape[3], band.width)
        right = band.width - x.shape[3] - left
        if top == 0 and bottom == 0 and left == 0 and right == 0:
            return x
        return torch.constant_pad_nd(x, [left, right, top, bottom], 0.0)


class Pointwise(nn.Module):
    """A module that reads single pixels and returns a new tensor, then an activation."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.activation: nn.Module = nn.Identity()
        self.geometry = row_geometry()

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        return self.activation(self.module(inputs[0]))


class ScaleAndShift(nn.Module):
    """Batch norm in evaluation mode, where no convolution comes before it."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_var is not None
        assert norm.running_mean is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        self.scale = nn.Parameter(scale.detach().view(-1, 1, 1), requires_grad=False)
        shift = (norm.bias - norm.running_mean * scale).detach()
        self.shift = nn.Parameter(shift.view(-1, 1, 1), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a new tensor of the same shape."""
        return (x * self.scale).add_(self.shift)


class Addition(nn.Module):
    """Sum of two images, then an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.activation: nn.Module = nn.Identity()
        self.geometry = row_geometry()

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        return self.activation(inputs[0] + inputs[1])


class Concatenation(nn.Module):
    """Features of several images in one image."""

    def __init__(self) -> None:
        super().__init__()
        self.geometry = row_geometry()

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the output band."""
        return torch.cat(inputs, dim=1)


class ExternalImage(nn.Module):
    """Placeholder of an image that no operation computes: the input, or an output of the region."""

    def __init__(self) -> None:
        super().__init__()
        self.geometry = row_geometry()

    def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:
        """Return the input; never called."""
        return inputs[0]
