"""MobileNetV2-UNet: a dilated encoder, and a decoder of two stages without skips."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from roilab.models.decoder import PlainDecoder
from roilab.models.network import RoiNetwork
from roilab.models.timm_encoder import TimmEncoder


class MobileNetV2UNet(RoiNetwork):
    """Encode to 1/8 with MobileNetV2 (arXiv:1801.04381), decode to 1/2, place the pixels.

    The encoder's later strides are dilations (``output_stride``, as in arXiv:1802.02611). At 1/2
    every position has a logit for each of the 2 x 2 pixels that it covers (pixel shuffle,
    arXiv:1609.05158). Images are padded to a multiple of the deepest stride and the logits
    cropped back. ``conf/model/mobilenetv2.yaml`` documents the arguments.
    """

    def __init__(
        self,
        n_layers: int,
        encoder: str,
        encoder_weights: str | None,
        pretrained: bool,
        encoder_options: Mapping[str, Any],
        decoder_widths: Sequence[int],
        align_corners: bool,
    ) -> None:
        timm_encoder = TimmEncoder(
            n_layers, encoder, encoder_weights, pretrained, encoder_options, sizes=[-1]
        )
        scale = timm_encoder.strides[-1] // 2 ** len(decoder_widths)
        super().__init__(
            n_layers,
            encoder=timm_encoder,
            decoder=PlainDecoder(timm_encoder.widths[-1], decoder_widths, align_corners),
            head=nn.Sequential(
                nn.Conv2d(decoder_widths[-1], scale**2, kernel_size=1), nn.PixelShuffle(scale)
            ),
            multiple=timm_encoder.strides[-1],
        )
