"""Networks and losses of a user, right and wrong."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional


class OneConvolution(nn.Module):
    """The smallest network that works."""

    def __init__(self, n_layers: int, outputs: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_layers, outputs, 3, padding=1, stride=stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


class Options(OneConvolution):
    """A network that keeps its arguments as they come."""

    def __init__(self, n_layers: int, widths: list[int], more: dict[str, object]) -> None:
        super().__init__(n_layers)
        self.widths, self.more = widths, more


class Pair(OneConvolution):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        return self.conv(x), x


class PairInTraining(OneConvolution):
    def forward(self, x: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:  # type: ignore[override]
        return [self.conv(x)] if self.training else self.conv(x)


class Only32(OneConvolution):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        coarse = functional.max_pool2d(self.conv(x), 32)
        return self.conv(x) + functional.interpolate(coarse, scale_factor=32.0)


class Probabilities(OneConvolution):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).sigmoid()  # type: ignore[no-any-return]


class WithStatistics(OneConvolution):
    """Weights, statistics and random numbers that a check could change."""

    def __init__(self, n_layers: int) -> None:
        super().__init__(n_layers)
        self.norm, self.drop = nn.BatchNorm2d(1), nn.Dropout()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.norm(self.conv(x)))  # type: ignore[no-any-return]


class OnlyScript(OneConvolution):
    """A branch on values, which no trace can follow."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if bool(x.mean() > 0):
            return self.conv(x)  # type: ignore[no-any-return]
        return -self.conv(x)  # type: ignore[no-any-return]


class OnlyTrace(OneConvolution):
    """A branch, and Python that TorchScript does not know."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[0] > 100:
            raise ValueError
        return next(map(self.conv, [x]))  # type: ignore[no-any-return]


class NoExport(OnlyTrace):
    """An operation that a trace takes as a constant."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        offset: Callable[[], float] = lambda: float(x.shape[-1] % 2)  # noqa: E731
        return super().forward(x) + offset()


class LossPerPixel(nn.Module):
    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        return (logits - truth_mask) ** 2


class LossWithoutGradient(nn.Module):
    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        return ((logits > 0) != (truth_mask > 0)).float().mean()


class LossOfProbabilities(nn.Module):
    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.mean()
