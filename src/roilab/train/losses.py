"""Losses between ROI logits and truth mask; all take (logits, truth_mask) of one shape.

``torch.nn.BCEWithLogitsLoss`` is the reference: binary cross entropy on the sigmoid output,
computed from logits because that does not overflow.
"""

import torch
from torch import nn
from torch.nn import functional


class WeightedBce(nn.Module):
    """Binary cross entropy with the true pixels weighted, since they are a few percent.

    Args:
        pos_weight: weight of a true pixel against a false one.
    """

    pos_weight: torch.Tensor

    def __init__(self, pos_weight: float) -> None:
        super().__init__()
        self.register_buffer("pos_weight", torch.tensor(pos_weight))

    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        """Mean over all pixels."""
        return functional.binary_cross_entropy_with_logits(
            logits, truth_mask, pos_weight=self.pos_weight
        )


class DiceBce(nn.Module):
    """Binary cross entropy plus ``dice_weight`` * (1 - soft Dice of the batch).

    Args:
        dice_weight: of the Dice term.
        smooth: pixels added above and below, so that an empty truth gives no 0/0.
    """

    def __init__(self, dice_weight: float, smooth: float) -> None:
        super().__init__()
        self.dice_weight, self.smooth = dice_weight, smooth

    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        """A scalar."""
        bce = functional.binary_cross_entropy_with_logits(logits, truth_mask)
        probability = logits.float().sigmoid()
        overlap = 2 * (probability * truth_mask).sum() + self.smooth
        total = probability.sum() + truth_mask.sum() + self.smooth
        return bce + self.dice_weight * (1 - overlap / total)


class Focal(nn.Module):
    """Focal loss (Lin et al., arXiv:1708.02002): easy pixels count less.

    Args:
        gamma: how much less; 0 gives binary cross entropy times ``alpha`` terms.
        alpha: weight of true pixels, 1 - alpha of false ones.
    """

    def __init__(self, gamma: float, alpha: float) -> None:
        super().__init__()
        self.gamma, self.alpha = gamma, alpha

    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        """Mean over all pixels."""
        bce = functional.binary_cross_entropy_with_logits(logits, truth_mask, reduction="none")
        wrong = (truth_mask - logits.sigmoid()).abs()
        alpha = truth_mask * self.alpha + (1 - truth_mask) * (1 - self.alpha)
        return (alpha * wrong**self.gamma * bce).mean()
