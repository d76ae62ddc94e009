"""Losses against numbers worked out by hand."""

import math

import pytest
import torch
from torch import nn

from roilab.train.losses import DiceBce, Focal, WeightedBce

# Probabilities 3/4 and 1/4, of which the first pixel is true.
LOGITS = torch.tensor([[math.log(3), -math.log(3)]])
TRUE = torch.tensor([[1.0, 0.0]])
HALF = torch.tensor([[1.0, 1.0]])


def test_bce_and_its_weight() -> None:
    assert float(nn.BCEWithLogitsLoss()(LOGITS, TRUE)) == pytest.approx(-math.log(0.75))
    weighted = WeightedBce(pos_weight=3.0)(LOGITS, TRUE)
    assert float(weighted) == pytest.approx(-(3 * math.log(0.75) + math.log(0.75)) / 2)


def test_dice_bce() -> None:
    # Soft Dice: (2 * 3/4 + 1) / (1 + 1 + 1).
    loss = DiceBce(dice_weight=0.5, smooth=1.0)(LOGITS, TRUE)
    assert float(loss) == pytest.approx(-math.log(0.75) + 0.5 * (1 - 2.5 / 3))
    nothing = DiceBce(1.0, 1.0)(torch.full((1, 4), -50.0), torch.zeros(1, 4))
    assert float(nothing) == pytest.approx(0, abs=1e-6)


def test_focal() -> None:
    # alpha (1 - p)^2 * -log p, with p = 3/4 for the first pixel and 1/4 for the second, true too.
    loss = Focal(gamma=2.0, alpha=0.75)(LOGITS, HALF)
    expected = 0.75 * (-math.log(0.75) / 16 - math.log(0.25) * 9 / 16) / 2
    assert float(loss) == pytest.approx(expected)
    plain = Focal(gamma=0.0, alpha=0.5)(LOGITS, HALF)
    assert 2 * float(plain) == pytest.approx(float(nn.BCEWithLogitsLoss()(LOGITS, HALF)))


def test_focal_of_many_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 8 * torch.randn(50, 60, generator=generator)
    truth = (torch.rand(50, 60, generator=generator) < 0.1).float()
    bce = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    alpha = truth * 0.75 + (1 - truth) * 0.25
    expected = (alpha * (truth - logits.sigmoid()).abs() ** 2 * bce).mean()
    assert float(Focal(2.0, 0.75)(logits, truth)) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("loss", [WeightedBce(5.0), DiceBce(1.0, 1.0), Focal(2.0, 0.75)])
def test_large_logits_stay_finite(loss: nn.Module) -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    value = loss(logits, torch.tensor([[0.0, 1.0]]))
    value.backward()
    assert value.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
