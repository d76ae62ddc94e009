"""Gradients of depthwise convolutions in float32 where training in bf16 on a CPU.

PyTorch has a fast bf16 kernel for the forward pass of a depthwise convolution, but for most kernel
sizes and strides none for its gradients: they are 4 to 25 times slower than in float32. The
gradients here are computed in float32 from the same bf16 features, so they are also more precise.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def depthwise_gradients() -> AbstractContextManager[object]:
    """Return ``DepthwiseGradients``, or a context that costs nothing where it changes nothing."""
    return DepthwiseGradients() if _in_bf16() else nullcontext()


class DepthwiseGradients(TorchFunctionMode):
    """Compute gradients of depthwise convolutions of this block in float32: ``with`` it.

    It changes nothing in float32, on a GPU, or where no gradients are recorded.
    """

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is functional.conv2d:
            given = dict(zip(_ARGUMENTS, args, strict=False)) | dict(kwargs or {})
            if _is_depthwise(**given):
                return _Depthwise.apply(*(given[name] for name in _ARGUMENTS))
        return func(*args, **(kwargs or {}))


def _is_depthwise(
    input: torch.Tensor, weight: torch.Tensor, groups: int = 1, padding: Any = 0, **_: Any
) -> bool:
    return (
        groups > 1
        and weight.shape[:2] == (groups, 1)
        and input.device.type == "cpu"
        and not isinstance(padding, str)
        and torch.is_grad_enabled()
        and _in_bf16()
    )


def _in_bf16() -> bool:
    """Return whether operations on the CPU are computed in bf16."""
    bf16 = torch.get_autocast_dtype("cpu") == torch.bfloat16
    return torch.is_autocast_enabled("cpu") and bf16


class _Depthwise(torch.autograd.Function):
    """Convolution in bf16 with gradients in float32."""

    @staticmethod
    def forward(
        ctx: Any,
        image: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        groups: int,
    ) -> torch.Tensor:
        ctx.geometry = (list(stride), list(padding), list(dilation), False, [0, 0], groups)
        ctx.dtypes = (image.dtype, weight.dtype)
        ctx.has_bias = bias is not None
        features = image.bfloat16()
        ctx.save_for_backward(features, weight)
        with torch.autocast("cpu", enabled=False):
            low = None if bias is None else bias.bfloat16()
            return functional.conv2d(
                features, weight.bfloat16(), low, stride, padding, dilation, groups
            )

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        features, weight = ctx.saved_tensors
        # The weight as the forward pass used it.
        operands = (gradients[0].float(), features.float(), weight.bfloat16().float())
        wanted = [ctx.needs_input_grad[0], ctx.needs_input_grad[1], ctx.has_bias]
        sizes = [weight.shape[0]] if ctx.has_bias else [0]
        of_image, of_weight, of_bias = torch.ops.aten.convolution_backward(
            *operands, sizes, *ctx.geometry, wanted
        )
        image_type, weight_type = ctx.dtypes
        of_image = None if of_image is None else of_image.to(image_type)
        of_weight = None if of_weight is None else of_weight.to(weight_type)
        return of_image, of_weight, of_bias, None, None, None, None
