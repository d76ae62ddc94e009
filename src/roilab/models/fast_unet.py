"""UNet at half the image's size, for few operations."""

from collections.abc import Sequence

from torch import nn

from roilab.models.decoder import SkipDecoder
from roilab.models.encoder import DoubleConvEncoder
from roilab.models.network import RoiNetwork

_STRIDE = 2


class FastUNet(RoiNetwork):
    """UNet (arXiv:1505.04597) on features of half the image's size, a quarter of the operations.

    Most operations of a UNet are at the image's full size. Here its first convolution has a stride
    of 2, and at the end every position has a logit for each of the 2 x 2 pixels that it covers
    (pixel shuffle, arXiv:1609.05158). Images are padded to an even size and the logits cropped
    back. ``conf/model/unet_fast.yaml`` documents the arguments.
    """

    def __init__(
        self,
        n_layers: int,
        encoder_widths: Sequence[int],
        decoder_widths: Sequence[int],
        align_corners: bool,
    ) -> None:
        super().__init__(
            n_layers,
            encoder=DoubleConvEncoder(n_layers, encoder_widths, _STRIDE),
            decoder=SkipDecoder(encoder_widths, decoder_widths, align_corners),
            head=nn.Sequential(
                nn.Conv2d(decoder_widths[-1], _STRIDE**2, kernel_size=1), nn.PixelShuffle(_STRIDE)
            ),
            multiple=_STRIDE,
        )
