"""Losses between ROI logits and truth mask, (logits, truth_mask) of equal shape to a scalar.

The reference loss is ``torch.nn.BCEWithLogitsLoss``: binary cross entropy of the sigmoid output,
computed from logits because that does not overflow.
"""

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss


class WeightedBce(nn.Module):
    """Binary cross entropy with weight ``pos_weight`` on true pixels, a few percent of all."""

    pos_weight: torch.Tensor

    def __init__(self, pos_weight: float) -> None:
        super().__init__()
        self.register_buffer("pos_weight", torch.tensor(pos_weight))

    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        """Return the mean over all pixels."""
        return functional.binary_cross_entropy_with_logits(
            logits, truth_mask, pos_weight=self.pos_weight
        )


class DiceBce(nn.Module):
    """Binary cross entropy plus ``dice_weight`` * (1 - soft Dice of the batch).

    ``smooth`` pixels are added to numerator and denominator, so that an empty truth mask gives no
    0/0.
    """

    def __init__(self, dice_weight: float, smooth: float) -> None:
        super().__init__()
        self.dice_weight, self.smooth = dice_weight, smooth

    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        """Return cross entropy, a mean over all pixels, plus the Dice term."""
        bce = functional.binary_cross_entropy_with_logits(logits, truth_mask)
        probability = logits.float().sigmoid()
        overlap = 2 * (probability * truth_mask).sum() + self.smooth
        total = probability.sum() + truth_mask.sum() + self.smooth
        return bce + self.dice_weight * (1 - overlap / total)


class Focal(nn.Module):
    """Focal loss (Lin et al., arXiv:1708.02002): pixels with a small error count less.

    ``gamma`` is the power of the error that weights a pixel, 0 for no such weight. True pixels
    have the weight ``alpha``, false pixels 1 - ``alpha``.
    """

    def __init__(self, gamma: float, alpha: float) -> None:
        super().__init__()
        self.gamma, self.alpha = gamma, alpha

    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        """Return the mean over all pixels."""
        loss: torch.Tensor = sigmoid_focal_loss(
            logits.float(), truth_mask, self.alpha, self.gamma, reduction="mean"
        )
        return loss
