"""A network whose convolutions compute in 8-bit integers, calibrated on images.

Scale and zero point of every image of features follow from its values on calibration images. The
first convolution and the last one stay in float32: the input has a wide range, and the last one
decides. This is the FX graph mode of PyTorch, whose networks can be written as TorchScript; PyTorch
calls it deprecated, as it does TorchScript.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from roilab.export.exported_network import OVERHEAD, image_size, input_normalization
from roilab.export.settings import ExportError
from roilab.inference import TrainedNetwork
from roilab.models import RoiNetwork
from roilab.models.blocks import pad_to_multiple
from roilab.tiling import peak_bytes
from roilab.tiling.tracing import pads_outside, trace

# Features have 7 bits with this choice, so no x86 CPU overflows, and all give the same numbers.
_ENGINE = "x86"


class QuantizedNetwork(nn.Module):
    """Normalisation, network in 8-bit integers, and sigmoid.

    Args:
        network: on the CPU, in evaluation mode; not changed.
        images: calibration images, each of shape (1, layer, channel, slice).

    Attributes:
        expected_mb: expected memory of an image of the recipe's size above the loaded file [MB].

    Raises:
        ExportError: this PyTorch cannot quantize the network.
    """

    def __init__(self, network: TrainedNetwork, images: Sequence[torch.Tensor]) -> None:
        super().__init__()
        net = network.net
        outside = isinstance(net, RoiNetwork) and pads_outside(net)
        self.multiple = net.multiple if isinstance(net, RoiNetwork) and outside else 1
        self.preprocess = input_normalization(network.normalization, bf16=False)
        with _quantizing():
            self.net = self._quantize(net, images)
            n_layers, size = len(network.recipe["data"]["layers"]), image_size(network.recipe)
            self.expected_mb = (peak_bytes(self, n_layers, size) + OVERHEAD) / 1e6

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the ROI probability, as ``ExportedNetwork``."""
        x = self.preprocess(image)
        x = pad_to_multiple(x, self.multiple) if self.multiple > 1 else x
        logits = self.net(x)[:, :, : image.shape[-2], : image.shape[-1]]
        return torch.sigmoid(logits).contiguous()

    def _quantize(self, net: nn.Module, images: Sequence[torch.Tensor]) -> nn.Module:
        from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

        inputs = [pad_to_multiple(self.preprocess(image), self.multiple) for image in images]
        traced = trace(net)
        if not any(isinstance(node, nn.Conv2d) for node in traced.modules()):
            raise ExportError(f"{type(net).__name__} has no convolution to quantize.")
        observed = prepare_fx(traced, _choose(traced), (inputs[0],), backend_config=_operations())
        for x in inputs:
            observed(x)
        converted: nn.Module = convert_fx(observed, backend_config=_operations())
        return converted


def _choose(traced: fx.GraphModule) -> Any:
    """Return what is quantized: all but the first and the last convolution."""
    from torch.ao.quantization import get_default_qconfig_mapping

    targets = [str(node.target) for node in traced.graph.nodes if node.op == "call_module"]
    convolutions = [t for t in targets if isinstance(traced.get_submodule(t), nn.Conv2d)]
    mapping = get_default_qconfig_mapping(_ENGINE)
    for target in (convolutions[0], convolutions[-1]):
        mapping = mapping.set_module_name(target, None)
    return mapping


def _operations() -> Any:
    """Return PyTorch's list of operations on 8-bit integers, with upsampling and padding."""
    from torch.ao.quantization.backend_config import (
        BackendPatternConfig,
        ObservationType,
        get_native_backend_config,
    )

    native = get_native_backend_config()
    like = next(c for c in native.configs if c.pattern is functional.interpolate)
    for operation in (nn.Upsample, functional.pad):
        pattern = BackendPatternConfig(operation).set_dtype_configs(like.dtype_configs)
        pattern.set_observation_type(ObservationType.OUTPUT_SHARE_OBSERVER_WITH_INPUT)
        native.set_backend_pattern_config(pattern)
    return native


@contextmanager
def _quantizing() -> Iterator[None]:
    """Choose the way of computing, and ignore PyTorch's warnings of deprecation."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = _ENGINE
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.backends.quantized.engine = before
