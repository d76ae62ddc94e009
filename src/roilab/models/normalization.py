"""Normalisation that a network carries with it."""

import torch
from torch import nn


class LayerNormalization(nn.Module):
    """(x - mean) / width for every input layer; does nothing until ``measured`` is called.

    Its numbers are buffers: they are saved with the network and baked into what is exported.
    """

    mean: torch.Tensor
    width: torch.Tensor

    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_layers, 1, 1))
        self.register_buffer("width", torch.ones(n_layers, 1, 1))

    def measured(self, mean: torch.Tensor, width: torch.Tensor) -> None:
        """Take over mean and width, shape (layer,), in electrons per tick."""
        self.mean.copy_(mean.view(-1, 1, 1))
        self.width.copy_(width.view(-1, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Same shape (..., layer, channel, slice)."""
        return (image - self.mean) / self.width
