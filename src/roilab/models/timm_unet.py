"""U-Net with any encoder of timm, for example MobileNetV3."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from roilab.models.blocks import DoubleConv
from roilab.models.decoder import SkipDecoder
from roilab.models.network import NetworkError, RoiNetwork
from roilab.models.timm_encoder import TimmEncoder


class TimmUNet(RoiNetwork):
    """U-Net around an encoder of timm, with a skip at every size of the encoder.

    The shallowest size (1/2, or 1/4 in convnext and swin) is upsampled to full size in one step,
    without a skip. Images are padded to a multiple of the encoder's stride (32) and the logits
    cropped back. ``conf/model/timm.yaml`` documents the arguments.

    Raises:
        NetworkError: the encoder cannot be used, or ``decoder_widths`` are too few for it.
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
        timm_encoder = TimmEncoder(n_layers, encoder, encoder_weights, pretrained, encoder_options)
        stages = len(timm_encoder.widths) - 1
        if len(decoder_widths) < stages:
            raise NetworkError(
                f"encoder={encoder}: its decoder has {stages} stages; model.net.decoder_widths has "
                f"{len(decoder_widths)} numbers. Give {stages}, from deep to shallow."
            )
        widths = decoder_widths[:stages]
        super().__init__(
            n_layers,
            encoder=timm_encoder,
            decoder=SkipDecoder(timm_encoder.widths, widths, align_corners),
            head=nn.Sequential(
                nn.Upsample(
                    scale_factor=float(timm_encoder.strides[0]),
                    mode="bilinear",
                    align_corners=align_corners,
                ),
                DoubleConv(widths[-1], full_width),
                nn.Conv2d(full_width, 1, kernel_size=1),
            ),
            multiple=timm_encoder.strides[-1],
        )
