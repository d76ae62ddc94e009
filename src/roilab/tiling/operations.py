"""Operations on bands of rows that give the very numbers they give on the whole image.

Every operation is called with the rows of its inputs that ``geometry.rows_needed`` names. Images
are (batch, feature, channel, slice); TorchScript compiles all of it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from roilab.tiling.receptive_rows import filled, placed, row_by_row, up, window, zeros_before


class Rows(NamedTuple):
    """Where a band lies.

    Attributes:
        first: row of the output.
        last: row after the last.
        out: height of the whole output.
        low: first row of the band that goes in.
        whole: height of the whole input.
        width: slices of the output.
    """

    first: int
    last: int
    out: int
    low: int
    whole: int
    width: int


class Convolution(nn.Module):
    """Sum of one convolution for each input (one over their concatenation), then an activation.

    Zeros are put around the image, never around a band.

    Args:
        parts: of equal geometry; all but the first without bias.
    """

    def __init__(self, parts: Sequence[nn.Conv2d]) -> None:
        super().__init__()
        conv, *others = parts
        self.weight, self.bias, self.groups = conv.weight, conv.bias, conv.groups
        self.others = nn.ModuleList(Weight(other.weight) for other in others)
        self.activation: nn.Module = nn.Identity()  # in place, where it can be
        self.stride, self.dilation, self.padding = (
            int(pair[0]) for pair in (conv.stride, conv.dilation, conv.padding)
        )
        self.extent = self.dilation * (conv.kernel_size[0] - 1) + 1
        self.geometry = window(self.extent, self.stride, self.padding)

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Rows of the output."""
        y = self.convolved(bands[0], self.weight, self.bias, rows)
        for index, other in enumerate(self.others):
            y.add_(self.convolved(bands[index + 1], other(), None, rows))
        return self.activation(y)

    def convolved(
        self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, rows: Rows
    ) -> torch.Tensor:
        """Rows of one convolution."""
        above = max(self.padding - rows.first * self.stride, 0)
        end = (rows.last - 1) * self.stride - self.padding + self.extent
        below = max(end - rows.whole, 0)
        count = (x.shape[2] + 2 * self.padding - self.extent) // self.stride + 1
        padding = 0
        if above == self.padding and count == rows.last - rows.first:
            padding = self.padding  # the convolution's own zeros, without a copy of its input
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


class Weight(nn.Module):
    """What a convolution multiplies a further input with."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self) -> torch.Tensor:
        """Shape (output, input, channel, slice)."""
        return self.weight


class MaxPool(nn.Module):
    """The largest of a window; what lies outside the image is never it."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        numbers: Any = (pool.kernel_size, pool.stride, pool.padding)
        self.extent, self.stride, self.padding = (int(number) for number in numbers)
        self.geometry = window(self.extent, self.stride, self.padding)

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Rows of the output."""
        before = max(self.padding - rows.first * self.stride, 0)
        after = max((rows.last - 1) * self.stride - self.padding + self.extent - rows.whole, 0)
        x = bands[0]
        if before + after > 0:
            x = torch.constant_pad_nd(x, [0, 0, before, after], -float("inf"))
        kernel, stride = [self.extent, self.extent], [self.stride, self.stride]
        return torch.max_pool2d(x, kernel, stride, [0, self.padding])


class Bilinear(nn.Module):
    """Bilinear upsampling; a row's coordinate is that of the whole image."""

    def __init__(self, scale: int, align_corners: bool) -> None:
        super().__init__()
        self.scale, self.align_corners = scale, align_corners
        self.geometry = up(scale, align_corners)

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Rows of the output."""
        x = bands[0]
        if rows.last - rows.first == rows.out:
            size = [rows.out, rows.width]
            return torch._C._nn.upsample_bilinear2d(x, size, self.align_corners, None)
        if not self.align_corners:
            # Shifts by whole pixels: a band is upsampled as it is, and what its ends spoil is cut.
            size = [x.shape[2] * self.scale, rows.width]
            x = torch._C._nn.upsample_bilinear2d(x, size, False, None)
            return x.narrow(2, rows.first - rows.low * self.scale, rows.last - rows.first)
        step = float(rows.whole - 1) / float(max(rows.out - 1, 1))
        at = torch.arange(rows.first, rows.last, device=x.device).to(torch.float32) * step
        row = at.floor().clamp(max=float(rows.whole - 1))
        weight = (at - row).view(-1, 1, 1)
        above = row.to(torch.long) - rows.low
        below = (above + 1).clamp(max=x.shape[2] - 1)
        layers_last = x.permute(0, 2, 3, 1)
        upper = layers_last.index_select(1, above).to(torch.float32)
        lower = layers_last.index_select(1, below).to(torch.float32)
        x = torch.lerp(upper, lower, weight).to(x.dtype).permute(0, 3, 1, 2)
        size = [rows.last - rows.first, rows.width]
        return torch._C._nn.upsample_bilinear2d(x, size, True, None)


class Place(nn.Module):
    """An image in the middle of another size, or, with a multiple, zeros after its ends."""

    def __init__(self, multiple: int = 1) -> None:
        super().__init__()
        self.geometry = filled(multiple) if multiple > 1 else placed()

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Rows of the output."""
        begin = rows.first - zeros_before(self.geometry, rows.whole, rows.out)
        end = begin + rows.last - rows.first
        low, high = rows.low, rows.low + bands[0].shape[2]
        first = min(max(begin, low), high)
        last = min(max(end, first), high)
        x = bands[0].narrow(2, first - low, last - first)
        top = max(min(low, end) - begin, 0)
        bottom = rows.last - rows.first - top - x.shape[2]
        left = zeros_before(self.geometry, x.shape[3], rows.width)
        right = rows.width - x.shape[3] - left
        if top == 0 and bottom == 0 and left == 0 and right == 0:
            return x
        return torch.constant_pad_nd(x, [left, right, top, bottom], 0.0)


class Pointwise(nn.Module):
    """Row by row: a module that gives a new tensor, then an activation."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.activation: nn.Module = nn.Identity()
        self.geometry = row_by_row()

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Rows of the output."""
        return self.activation(self.module(bands[0]))


class Affine(nn.Module):
    """Batch norm with the numbers it was left with."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_var is not None
        assert norm.running_mean is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        self.scale = nn.Parameter(scale.detach().view(-1, 1, 1), requires_grad=False)
        shift = (norm.bias - norm.running_mean * scale).detach()
        self.shift = nn.Parameter(shift.view(-1, 1, 1), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same shape."""
        return (x * self.scale).add_(self.shift)


class Sum(nn.Module):
    """Two images added, then an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.activation: nn.Module = nn.Identity()
        self.geometry = row_by_row()

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Rows of the output."""
        return self.activation(bands[0] + bands[1])


class Join(nn.Module):
    """Features of several images beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.geometry = row_by_row()

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Rows of the output."""
        return torch.cat(bands, dim=1)


class Given(nn.Module):
    """Stands for an image that is not computed in bands."""

    def __init__(self) -> None:
        super().__init__()
        self.geometry = row_by_row()

    def forward(self, bands: list[torch.Tensor], rows: Rows) -> torch.Tensor:
        """Never called."""
        return bands[0]
