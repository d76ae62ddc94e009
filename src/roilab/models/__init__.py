"""Networks, one in each file: encoder, decoder and head; they return ROI logits."""

from roilab.models.blocks import pad_to_multiple
from roilab.models.build import NO_WEIGHTS, build_net
from roilab.models.fast_unet import FastUNet
from roilab.models.mobilenetv2 import MobileNetV2UNet
from roilab.models.nestedunet import NestedUNet
from roilab.models.network import NetworkError, RoiNetwork
from roilab.models.normalization import LayerNormalization
from roilab.models.timm_unet import TimmUNet
from roilab.models.transformer import TransformerUNet
from roilab.models.unet import UNet
from roilab.models.uresnet import UResNet
from roilab.models.weights import WeightsError, load_weights

__all__ = [
    "NO_WEIGHTS",
    "FastUNet",
    "LayerNormalization",
    "MobileNetV2UNet",
    "NestedUNet",
    "NetworkError",
    "RoiNetwork",
    "TimmUNet",
    "TransformerUNet",
    "UNet",
    "UResNet",
    "WeightsError",
    "build_net",
    "load_weights",
    "pad_to_multiple",
]
