"""Base class of all networks: encoder, decoder and head."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import nn

from roilab.errors import RoilabError
from roilab.models.blocks import pad_to_multiple

MINIMUM_SIZE = 32  # channels and slices: one pixel at the deepest stage of the deepest network


class NetworkError(RoilabError):
    """A network cannot be built as configured, or cannot take an image."""


class RoiNetwork(nn.Module):
    """Compute ROI logits from layers: encoder, then decoder, then head.

    Args:
        n_layers: number of input layers.
        encoder: maps the image to features of several sizes, from shallow to deep.
        decoder: maps these features to one image of features.
        head: maps that image to logits (batch, 1, channel, slice) of the padded input's size.
        multiple: pad images with zeros to a multiple of this size before the encoder, and crop
            the logits back; 1 for networks that pad inside.
    """

    # Names of parameters in weights of the reference code: prefix there (a regular expression in
    # which every "." is a dot) to prefix in roilab.
    reference_names: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        n_layers: int,
        encoder: nn.Module,
        decoder: nn.Module,
        head: nn.Module,
        multiple: int = 1,
    ) -> None:
        super().__init__()
        self.n_layers, self.multiple = n_layers, multiple
        self.encoder, self.decoder, self.head = encoder, decoder, head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map layers (batch, layer, channel, slice) to ROI logits (batch, 1, channel, slice).

        Raises:
            NetworkError: the image is too small or has another number of layers (not checked in
                TorchScript).
        """
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            check_image(x, self.n_layers)
        padded = pad_to_multiple(x, self.multiple) if self.multiple > 1 else x
        logits = self.head(self.decoder(self.encoder(padded)))
        return logits[:, :, : x.shape[-2], : x.shape[-1]]


def check_image(x: torch.Tensor, n_layers: int) -> None:
    """Check that a network can take an image (batch, layer, channel, slice).

    Raises:
        NetworkError: the image is too small or has another number of layers.
    """
    # While tracing, sizes are tensors and cannot be compared.
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return
    _, layers, channels, slices = x.shape
    if layers != n_layers:
        raise NetworkError(
            f"The image has {layers} layers; expected {n_layers}, the number that the network was "
            "built for. Set data.layers to the layers that it was trained on."
        )
    if min(channels, slices) < MINIMUM_SIZE:
        raise NetworkError(
            f"The image has {channels} channels x {slices} slices; expected at least "
            f"{MINIMUM_SIZE} of each. Widen data.channel_range or data.tick_range, or lower "
            "data.rebin or data.channel_rebin."
        )
