"""A U-Net around any encoder of timm, MobileNetV3 among them."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from roilab.models.blocks import DoubleConv
from roilab.models.decoder import SkipDecoder
from roilab.models.network import NetworkError, RoiNetwork
from roilab.models.timm_encoder import TimmEncoder


class TimmUNet(RoiNetwork):
    """Pads to a multiple of the encoder's stride (32) outside and crops back.

    The decoder joins every size the encoder has; from the shallowest of them (1/2, or 1/4 in
    convnext and swin) to full size it upsamples at once, without a skip.

    Args:
        n_layers: input layers.
        encoder: timm's name of the encoder; ``mobilenetv3_large_100`` is the one of
            arXiv:1905.02244.
        encoder_weights: see ``TimmEncoder``.
        pretrained: see ``TimmEncoder``.
        encoder_options: see ``TimmEncoder``.
        decoder_widths: features after each stage on the way up; as many are used as the encoder
            has sizes, less one.
        full_width: features at full size.
        align_corners: see ``UpStage``.

    Raises:
        NetworkError: the encoder cannot be used, or has more sizes than there are widths.
    """

    def __init__(
        self,
        n_layers: int,
        encoder: str,
        encoder_weights: str | None,
        pretrained: bool,
        encoder_options: Mapping[str, Any],
        decoder_widths: Sequence[int],
        full_width: int,
        align_corners: bool,
    ) -> None:
        down = TimmEncoder(n_layers, encoder, encoder_weights, pretrained, encoder_options)
        stages = len(down.widths) - 1
        if len(decoder_widths) < stages:
            raise NetworkError(
                f"encoder={encoder}: the way up has {stages} stages; model.net.decoder_widths "
                f"names {len(decoder_widths)}. Name {stages}, from deep to shallow."
            )
        widths = decoder_widths[:stages]
        super().__init__(
            n_layers,
            encoder=down,
            decoder=SkipDecoder(down.widths, widths, align_corners),
            head=nn.Sequential(
                nn.Upsample(
                    scale_factor=float(down.strides[0]),
                    mode="bilinear",
                    align_corners=align_corners,
                ),
                DoubleConv(widths[-1], full_width),
                nn.Conv2d(full_width, 1, kernel_size=1),
            ),
            multiple=down.strides[-1],
        )
