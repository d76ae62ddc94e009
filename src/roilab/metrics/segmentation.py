"""Pixel and ROI efficiency and purity, and Dice, of ROI masks against truth masks.

Every metric sums its counts over batches and processes and divides at the end; an empty
denominator gives NaN. Masks are (..., channel, slice).
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from torchmetrics import Metric, MetricCollection


class CountMetric(Metric, ABC):
    """Ratio of counts that are summed over updates and processes."""

    full_state_update = False
    counts: ClassVar[tuple[str, ...]]  # their names

    def __init__(self) -> None:
        super().__init__()
        for name in self.counts:
            self.add_state(name, torch.tensor(0, dtype=torch.int64), dist_reduce_fx="sum")

    @abstractmethod
    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:
        """Add boolean masks of equal shape."""

    @abstractmethod
    def compute(self) -> torch.Tensor:
        """Return the ratio, a scalar."""


def _count(mask: torch.Tensor) -> torch.Tensor | int:
    """Return the number of ones; numpy counts five times as fast as torch."""
    on_cpu = mask.device.type == "cpu"
    return int(np.count_nonzero(mask.numpy())) if on_cpu else torch.count_nonzero(mask)


# Not torchmetrics' BinaryRecall, BinaryPrecision and BinaryF1Score: they refuse NaN for an empty
# denominator and take 100 times as long on boolean masks (0.15 s for 800 x 6000 pixels).
class PixelMetric(CountMetric):
    """Counts of true pixels, predicted pixels, and pixels that are both."""

    counts = ("both", "true", "predicted")
    both: torch.Tensor
    true: torch.Tensor
    predicted: torch.Tensor

    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:  # noqa: D102
        self.both += _count(roi_mask & truth_mask)
        self.true += _count(truth_mask)
        self.predicted += _count(roi_mask)


class PixelEfficiency(PixelMetric):
    """Fraction of true pixels that are predicted."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.both / self.true


class PixelPurity(PixelMetric):
    """Fraction of predicted pixels that are true."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.both / self.predicted


class Dice(PixelMetric):
    """Twice the pixels in both masks over the sum of true and predicted pixels."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return 2 * self.both / (self.true + self.predicted)


def count_runs_hit(runs: torch.Tensor, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Count runs of ones in time, and those that contain at least one of the given pixels.

    Both masks are boolean, (..., channel, slice); a run at the edge of the mask counts.
    """
    return _count_hit(_run_edges(runs), _run_edges(pixels))


RunEdges = tuple[torch.Tensor, torch.Tensor]  # first index, last index plus one, each (run,)


def _run_edges(mask: torch.Tensor) -> RunEdges:
    """Find the runs of a mask, as indices into all its channels joined to one line."""
    # A zero before and after every channel separates the runs of neighbouring channels.
    line = torch.nn.functional.pad(mask, (1, 1)).flatten()
    changes = line[1:] ^ line[:-1]
    if changes.device.type == "cpu":  # numpy is ten times as fast here
        edges = torch.from_numpy(np.flatnonzero(changes.numpy()))
    else:
        edges = changes.nonzero()[:, 0]
    return edges[::2].contiguous(), edges[1::2].contiguous()


def _count_hit(runs: RunEdges, others: RunEdges) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the number of runs, and of those that overlap another run; on their device."""
    starts, ends = runs
    started = torch.searchsorted(others[0], ends)  # other runs that start before this one ends
    ended = torch.searchsorted(others[1], starts, right=True)  # that end before this one starts
    hit: torch.Tensor = (started > ended).sum()
    return hit.new_tensor(len(starts)), hit


class RoiMetric(CountMetric):
    """Counts of true and predicted runs, and of those hit by the other mask."""

    counts = ("true", "true_hit", "predicted", "predicted_hit")
    true: torch.Tensor
    true_hit: torch.Tensor
    predicted: torch.Tensor
    predicted_hit: torch.Tensor

    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:  # noqa: D102
        truth, roi = _run_edges(truth_mask), _run_edges(roi_mask)
        counts = (*_count_hit(truth, roi), *_count_hit(roi, truth))
        for name, count in zip(self.counts, counts, strict=True):
            setattr(self, name, getattr(self, name) + count)


class RoiEfficiency(RoiMetric):
    """Fraction of true runs with at least one predicted pixel."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.true_hit / self.true


class RoiPurity(RoiMetric):
    """Fraction of predicted runs with at least one true pixel."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        return self.predicted_hit / self.predicted


def segmentation_metrics() -> MetricCollection:
    """Return all metrics of this module; metrics with the same counts are updated together."""
    pixel = ["pixel_efficiency", "pixel_purity", "dice"]
    roi = ["roi_efficiency", "roi_purity"]
    metrics = [PixelEfficiency(), PixelPurity(), Dice(), RoiEfficiency(), RoiPurity()]
    return MetricCollection(
        dict(zip(pixel + roi, metrics, strict=True)), compute_groups=[pixel, roi]
    )
