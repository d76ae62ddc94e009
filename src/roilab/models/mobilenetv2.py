"""MobileNetV2-UNet: a decoder of two stages without skips, the smallest network."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from roilab.models.decoder import PlainDecoder
from roilab.models.network import RoiNetwork
from roilab.models.timm_encoder import TimmEncoder


class MobileNetV2UNet(RoiNetwork):
    """Encode to 1/32 with MobileNetV2 (arXiv:1801.04381), decode to 1/8, upsample the logits.

    Images are padded to a multiple of 32 and the logits cropped back. The logits are computed
    before the last upsampling: the numbers are the same as after it, for 1/64 of the work.
    ``conf/model/mobilenetv2.yaml`` documents the arguments.
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
        super().__init__(
            n_layers,
            encoder=timm_encoder,
            decoder=PlainDecoder(timm_encoder.widths[-1], decoder_widths, align_corners),
            head=nn.Sequential(
                nn.Conv2d(decoder_widths[-1], 1, kernel_size=1),
                nn.Upsample(
                    scale_factor=float(timm_encoder.strides[-1] // 2 ** len(decoder_widths)),
                    mode="bilinear",
                    align_corners=align_corners,
                ),
            ),
            multiple=timm_encoder.strides[-1],
        )
