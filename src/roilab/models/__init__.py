"""The networks, one a file: encoder, decoder and head apart, logits out."""

from roilab.models.mobilenetv3 import MobileNetV3UNet
from roilab.models.normalization import LayerNormalization
from roilab.models.unet import UNet

__all__ = ["LayerNormalization", "MobileNetV3UNet", "UNet"]
