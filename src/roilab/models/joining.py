"""Join features of several sources, with gradients that are contiguous in memory."""

from collections.abc import Sequence
from typing import Any

import torch


class _Join(torch.autograd.Function):
    """Concatenate along the features; the gradients are copies, not views, of their parts.

    With features last in memory (``torch.channels_last``) a view of some features has gaps.
    PyTorch's gradient of a bilinear upsampling then rearranges the features and takes 10 times as
    long as with a copy (docs/training.md).
    """

    @staticmethod
    def forward(ctx: Any, *parts: torch.Tensor) -> torch.Tensor:
        ctx.features = [part.shape[1] for part in parts]
        return torch.cat(parts, dim=1)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, ...]:
        (joined,) = gradients
        parts = torch.split(joined, ctx.features, dim=1)
        if not joined.is_contiguous(memory_format=torch.channels_last):
            return parts
        return tuple(part.contiguous(memory_format=torch.channels_last) for part in parts)


@torch.jit.unused
def join_in_training(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Concatenate tensors (batch, feature, channel, slice) along the features, fast in training.

    Result and gradients are those of ``torch.cat``. Not for exported networks: TorchScript has no
    place for a gradient of our own.
    """
    joined: torch.Tensor = _Join.apply(*parts)
    return joined
