"""Normalisation of the input layers, saved with the network."""

import torch
from torch import nn


class LayerNormalization(nn.Module):
    """Normalise input layers to (x - mean) / width; no change until ``set_statistics`` is called.

    Mean and width are buffers: they are saved with the network and exported with it.
    """

    mean: torch.Tensor  # shape (layer, 1, 1), in electrons per tick
    width: torch.Tensor  # standard deviation; shape and unit of ``mean``

    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_layers, 1, 1))
        self.register_buffer("width", torch.ones(n_layers, 1, 1))

    def set_statistics(self, mean: torch.Tensor, width: torch.Tensor) -> None:
        """Set mean and width, both of shape (layer,), in electrons per tick."""
        self.mean.copy_(mean.view(-1, 1, 1))
        self.width.copy_(width.view(-1, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Normalise an image (..., layer, channel, slice)."""
        return (image - self.mean) / self.width
