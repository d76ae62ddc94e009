"""Gradients of depthwise convolutions in bf16 training agree with those in float32."""

import pytest
import torch
from torch import nn

from roilab.train.depthwise import DepthwiseGradients


def gradients(conv: nn.Conv2d, image: torch.Tensor, bf16: bool) -> list[torch.Tensor]:
    """Return output and gradients of weight, bias and image for a fixed loss."""
    conv.zero_grad()
    image = image.clone().requires_grad_()
    with DepthwiseGradients(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        output = conv(image)
    torch.manual_seed(2)
    (output.float() * torch.randn(output.shape)).sum().backward()
    assert image.grad is not None
    found = [output.detach(), image.grad]
    return found + [p.grad for p in conv.parameters() if p.grad is not None]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_agrees_with_float32(kernel: int, stride: int, bias: bool) -> None:
    torch.manual_seed(1)
    conv = nn.Conv2d(24, 24, kernel, stride, kernel // 2, groups=24, bias=bias)
    # Numbers that bf16 holds exactly, so that only the rounding of the output differs.
    conv.weight.data = conv.weight.data.bfloat16().float()
    image = torch.randn(2, 24, 21, 30).bfloat16().float()
    low, high = gradients(conv, image, bf16=True), gradients(conv, image, bf16=False)
    assert len(low) == len(high) == 3 + bias
    assert low[0].dtype == torch.bfloat16
    assert [g.dtype for g in low[1:]] == [torch.float32] * (2 + bias)
    for one, other in zip(low, high, strict=True):
        assert (one - other).norm() < 0.01 * other.norm()


def test_leaves_other_convolutions_and_validation_alone() -> None:
    conv, image = nn.Conv2d(6, 6, 3, groups=2), torch.randn(1, 6, 9, 9)
    depthwise = nn.Conv2d(6, 6, 3, groups=6)
    with DepthwiseGradients(), torch.autocast("cpu", torch.bfloat16):
        assert type(conv(image).grad_fn).__name__ == "ConvolutionBackward0"
        assert type(depthwise(image).grad_fn).__name__ == "_DepthwiseBackward"
        with torch.no_grad():
            assert depthwise(image).grad_fn is None
    with DepthwiseGradients():
        assert type(depthwise(image).grad_fn).__name__ == "ConvolutionBackward0"
