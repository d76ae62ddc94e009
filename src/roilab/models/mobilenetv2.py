"""MobileNetV2-UNet: the lightest way up, two stages and no skips."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from roilab.models.decoder import PlainDecoder
from roilab.models.network import RoiNetwork
from roilab.models.timm_encoder import TimmEncoder


class MobileNetV2UNet(RoiNetwork):
    """MobileNetV2 (arXiv:1801.04381) to 1/32, back to 1/8, and the logits of that upsampled.

    Pads to a multiple of 32 outside and crops back. The logits are made before the last
    upsampling: the same numbers as after it, for a 64th of the work.

    Args:
        n_layers: input layers.
        encoder: timm's name of the encoder.
        encoder_weights: see ``TimmEncoder``.
        pretrained: see ``TimmEncoder``.
        encoder_options: see ``TimmEncoder``.
        decoder_widths: features after each stage on the way up.
        align_corners: see ``UpStage``.
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
        down = TimmEncoder(
            n_layers, encoder, encoder_weights, pretrained, encoder_options, sizes=[-1]
        )
        super().__init__(
            n_layers,
            encoder=down,
            decoder=PlainDecoder(down.widths[-1], decoder_widths, align_corners),
            head=nn.Sequential(
                nn.Conv2d(decoder_widths[-1], 1, kernel_size=1),
                nn.Upsample(
                    scale_factor=float(down.strides[-1] // 2 ** len(decoder_widths)),
                    mode="bilinear",
                    align_corners=align_corners,
                ),
            ),
            multiple=down.strides[-1],
        )
