"""Pixel and ROI efficiency and purity, and Dice, of ROI masks against truth masks.

Every metric sums its counts over batches, epochs and processes and divides once, at the end; an
empty denominator gives NaN. Masks are (..., channel, slice).
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torchmetrics import Metric, MetricCollection


class _Counts(Metric, ABC):
    """A ratio of counts that are summed over updates and processes; subclasses name them."""

    full_state_update = False
    counts: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        super().__init__()
        for name in self.counts:
            self.add_state(name, torch.tensor(0, dtype=torch.int64), dist_reduce_fx="sum")

    @abstractmethod
    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:
        """Add boolean masks of one shape."""

    @abstractmethod
    def compute(self) -> torch.Tensor:
        """The ratio, a scalar."""


class _PixelMetric(_Counts):
    """Counts of true, predicted and commonly marked pixels."""

    counts = ("both", "true", "predicted")
    both: torch.Tensor
    true: torch.Tensor
    predicted: torch.Tensor

    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:
        self.both += (roi_mask & truth_mask).sum()
        self.true += truth_mask.sum()
        self.predicted += roi_mask.sum()


class PixelEfficiency(_PixelMetric):
    """Part of the true pixels that are predicted."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.both / self.true


class PixelPurity(_PixelMetric):
    """Part of the predicted pixels that are true."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.both / self.predicted


class Dice(_PixelMetric):
    """Twice the common pixels over the sum of true and predicted ones."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return 2 * self.both / (self.true + self.predicted)


def count_runs_hit(runs: torch.Tensor, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Runs of ones in time, and how many of them hold at least one of the given pixels.

    Args:
        runs: boolean mask whose runs are counted, shape (..., channel, slice); a run that touches
            the edge counts.
        pixels: boolean mask of the same shape.

    Returns:
        Number of runs, number of runs hit; scalars.
    """
    # A zero between any two channels keeps runs apart when all channels are laid end to end.
    line = torch.nn.functional.pad(runs, (1, 1)).flatten().to(torch.int8)
    hits = torch.nn.functional.pad(pixels, (1, 1)).flatten().cumsum(0)
    steps = line.diff()
    starts, ends = (steps == 1).nonzero()[:, 0], (steps == -1).nonzero()[:, 0]
    return torch.tensor(len(starts)), (hits[ends] > hits[starts]).sum()


class _RoiMetric(_Counts):
    """Counts of true and predicted runs, and of those that meet the other mask."""

    counts = ("true", "found", "predicted", "justified")
    true: torch.Tensor
    found: torch.Tensor
    predicted: torch.Tensor
    justified: torch.Tensor

    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:
        true, found = count_runs_hit(truth_mask, roi_mask)
        predicted, justified = count_runs_hit(roi_mask, truth_mask)
        self.true += true.to(self.true.device)
        self.found += found
        self.predicted += predicted.to(self.predicted.device)
        self.justified += justified


class RoiEfficiency(_RoiMetric):
    """Part of the true runs with at least one predicted pixel."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.found / self.true


class RoiPurity(_RoiMetric):
    """Part of the predicted runs with at least one true pixel."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.justified / self.predicted


def segmentation_metrics() -> MetricCollection:
    """All of the above; those that share counts are updated once."""
    pixel = ["pixel_efficiency", "pixel_purity", "dice"]
    roi = ["roi_efficiency", "roi_purity"]
    metrics = [PixelEfficiency(), PixelPurity(), Dice(), RoiEfficiency(), RoiPurity()]
    return MetricCollection(
        dict(zip(pixel + roi, metrics, strict=True)), compute_groups=[pixel, roi]
    )
