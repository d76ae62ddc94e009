"""UNet: double convolutions down to 1/16 and back, the field's reference network."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import nn

from roilab.models.decoder import SkipDecoder
from roilab.models.encoder import DoubleConvEncoder
from roilab.models.network import RoiNetwork


class UNet(RoiNetwork):
    """The U-Net of JINST 16 (2021) P01036, after arXiv:1505.04597, with padding inside.

    Each stage on the way up is padded to its skip's size, so any image works. Reads weights of
    the reference code (Pytorch-UNet).

    Args:
        n_layers: input layers.
        encoder_widths: features at full size, 1/2, 1/4, 1/8, 1/16.
        decoder_widths: features after each stage on the way up.
        align_corners: see ``UpStage``.
    """

    reference_names: ClassVar[Mapping[str, str]] = {
        "inc.conv.conv.": "encoder.stages.0.",
        **{f"down{i}.mpconv.1.conv.": f"encoder.stages.{i}." for i in range(1, 5)},
        **{f"up{i + 1}.conv.conv.": f"decoder.stages.{i}.conv." for i in range(4)},
        "outc.conv.": "head.",
    }

    def __init__(
        self,
        n_layers: int,
        encoder_widths: Sequence[int],
        decoder_widths: Sequence[int],
        align_corners: bool,
    ) -> None:
        super().__init__(
            n_layers,
            encoder=DoubleConvEncoder(n_layers, encoder_widths),
            decoder=SkipDecoder(encoder_widths, decoder_widths, align_corners),
            head=nn.Conv2d(decoder_widths[-1], 1, kernel_size=1),
            multiple=1,
        )
