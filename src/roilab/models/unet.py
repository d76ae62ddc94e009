"""UNet: double convolutions down to 1/16 and back, the reference network of the field."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import nn

from roilab.models.blocks import DoubleConv
from roilab.models.decoder import SkipDecoder
from roilab.models.encoder import DoubleConvEncoder
from roilab.models.network import RoiNetwork


class UNet(RoiNetwork):
    """The U-Net of JINST 16 (2021) P01036, after arXiv:1505.04597, padded inside.

    Each stage of the decoder is padded to the size of its skip, so any image size works. Loads
    weights of the reference code (Pytorch-UNet). ``conf/model/unet.yaml`` documents the arguments.
    """

    encoder_class: ClassVar[type[nn.Module]] = DoubleConvEncoder
    block_class: ClassVar[type[nn.Module]] = DoubleConv
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
            encoder=self.encoder_class(n_layers, encoder_widths),
            decoder=SkipDecoder(encoder_widths, decoder_widths, align_corners, self.block_class),
            head=nn.Conv2d(decoder_widths[-1], 1, kernel_size=1),
        )
