"""Pixel and ROI efficiency and purity, and Dice, of ROI masks against truth masks.

Every metric sums its counts over batches, epochs and processes and divides once, at the end; an
empty denominator gives NaN. Masks are (..., channel, slice).
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
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


def _count(mask: torch.Tensor) -> torch.Tensor | int:
    """Number of ones; numpy counts five times as fast as torch."""
    on_cpu = mask.device.type == "cpu"
    return int(np.count_nonzero(mask.numpy())) if on_cpu else torch.count_nonzero(mask)


class _PixelMetric(_Counts):
    """Counts of true, predicted and commonly marked pixels."""

    counts = ("both", "true", "predicted")
    both: torch.Tensor
    true: torch.Tensor
    predicted: torch.Tensor

    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:
        self.both += _count(roi_mask & truth_mask)
        self.true += _count(truth_mask)
        self.predicted += _count(roi_mask)


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
    return _count_hit(_run_edges(runs), _run_edges(pixels))


_Edges = tuple[torch.Tensor, torch.Tensor]


def _run_edges(mask: torch.Tensor) -> _Edges:
    """Where runs start, and one past where they end, with all channels laid end to end."""
    # A zero between any two channels keeps their runs apart.
    line = torch.nn.functional.pad(mask, (1, 1)).flatten()
    changes = line[1:] ^ line[:-1]
    if changes.device.type == "cpu":  # numpy looks for them ten times as fast
        edges = torch.from_numpy(np.flatnonzero(changes.numpy()))
    else:
        edges = changes.nonzero()[:, 0]
    return edges[::2].contiguous(), edges[1::2].contiguous()


def _count_hit(runs: _Edges, others: _Edges) -> tuple[torch.Tensor, torch.Tensor]:
    """Number of runs, and of those that overlap any other; on their device."""
    starts, ends = runs
    begun = torch.searchsorted(others[0], ends)  # other runs that begin before this one ends
    over = torch.searchsorted(others[1], starts, right=True)  # that end before it begins
    hit: torch.Tensor = (begun > over).sum()
    return hit.new_tensor(len(starts)), hit


class _RoiMetric(_Counts):
    """Counts of true and predicted runs, and of those that meet the other mask."""

    counts = ("true", "found", "predicted", "justified")
    true: torch.Tensor
    found: torch.Tensor
    predicted: torch.Tensor
    justified: torch.Tensor

    def update(self, roi_mask: torch.Tensor, truth_mask: torch.Tensor) -> None:
        truth, roi = _run_edges(truth_mask), _run_edges(roi_mask)
        for name, count in zip(
            self.counts, (*_count_hit(truth, roi), *_count_hit(roi, truth)), strict=True
        ):
            setattr(self, name, getattr(self, name) + count)


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
