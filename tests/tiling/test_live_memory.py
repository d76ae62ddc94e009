"""Memory of a network without a plan, by hand."""

import torch
from torch import nn

from roilab.tiling import peak_bytes


class _Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        y = y.relu_().view(y.shape)  # the same memory
        return self.last(y)  # type: ignore[no-any-return]


class _Attention(nn.Module):
    """Pixels against pixels at 1/16 of both sizes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        coarse = nn.functional.avg_pool2d(x, 16).flatten(2)
        return coarse.transpose(1, 2) @ coarse


def test_image_features_and_logits() -> None:
    assert peak_bytes(_Two(), 3, (800, 6000)) == (3 + 8 + 1) * 800 * 6000 * 4


def test_attention_grows_with_the_square_of_the_pixels() -> None:
    image, coarse = 3 * 640 * 640, 3 * 40 * 40
    expected = 4 * (image + coarse + (40 * 40) ** 2)
    assert abs(peak_bytes(_Attention(), 3, (640, 640)) - expected) < 4 * coarse
