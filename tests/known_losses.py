"""Losses that fail in a known way."""

import torch
from torch import nn


class NanInValidation(nn.BCEWithLogitsLoss):
    """Binary cross entropy in the training, NaN in the first ``count`` validation batches."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count

    def forward(self, logits: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        loss = super().forward(logits, truth_mask)
        if self.training or not self.left:
            return loss
        self.left -= 1
        return loss * torch.nan
