"""Bias, resolution and inefficiency of the charge per channel, and the charge profile of showers.

Definitions: H. Yu et al., JINST 16 (2021) P01036 (arXiv:2007.12743), section 5. All in percent,
each value with its statistical error. States are sums over tracks, batches and processes; what is
undefined is NaN.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torchmetrics import Metric, MetricCollection


class _ChargeMetric(Metric, ABC):
    """Sums over the good channels, once as they are and once per bootstrap replica.

    A channel is valid where its truth charge exceeds ``min_truth``, bad where it is valid and no
    more than ``max_bad`` is reconstructed, good where it is valid and not bad.

    The bootstrap is Poisson's: in every replica each unit (a track, or a block of neighbouring
    channels of a track) counts k times, k drawn from a Poisson distribution of mean 1. Unlike
    drawing units, that can be summed over batches and processes. The draw follows from the seed and
    the track's number, so it does not matter in which order or process a track is seen.

    Args:
        min_truth: [electrons].
        max_bad: [electrons].
        replicas: of the bootstrap.
        block_channels: neighbouring channels in a block.
        seed: of the bootstrap.
    """

    full_state_update = False
    units: torch.Tensor  # tracks, blocks of channels
    counts: torch.Tensor  # valid, bad
    sums: torch.Tensor  # good channels: number, sum of ratios, sum of squared ratios
    by_track: torch.Tensor  # (replica, 3), the same sums
    by_block: torch.Tensor

    def __init__(
        self, min_truth: float, max_bad: float, replicas: int, block_channels: int, seed: int
    ) -> None:
        super().__init__()
        self.min_truth, self.max_bad = min_truth, max_bad
        self.replicas, self.block_channels, self.seed = replicas, block_channels, seed
        shapes: dict[str, tuple[int, ...]] = {"units": (2,), "counts": (2,), "sums": (3,)}
        shapes |= {"by_track": (replicas, 3), "by_block": (replicas, 3)}
        for name, shape in shapes.items():
            zeros = torch.zeros(shape, dtype=torch.float64)
            self.add_state(name, zeros, dist_reduce_fx="sum")

    def update(self, q_reco: torch.Tensor, q_truth: torch.Tensor, track: int) -> None:
        """Add one track.

        Args:
            q_reco: reconstructed charge in the window of every channel [electrons], (channel,).
            q_truth: truth charge there [electrons], (channel,), neighbours adjoining.
            track: a number of its own for every track of the sample, whatever its process.
        """
        q_reco, q_truth = q_reco.double(), q_truth.double()
        valid = q_truth > self.min_truth
        bad = valid & (q_reco.abs() <= self.max_bad)
        good = valid & ~bad
        ratio = torch.where(good, q_reco / torch.where(good, q_truth, 1), 0)
        terms = torch.stack([good.double(), ratio, ratio.square()], 1)
        blocks = torch.stack([b.sum(0) for b in torch.split(terms, self.block_channels)])
        rng = np.random.default_rng([self.seed, track])
        weights = torch.from_numpy(rng.poisson(1, (self.replicas, 1 + len(blocks)))).to(terms)
        total = blocks.sum(0)
        self.units += torch.stack([valid.any(), (blocks[:, 0] > 0).sum()])
        self.counts += torch.stack([valid.sum(), bad.sum()])
        self.sums += total
        self.by_track += weights[:, :1] * total
        self.by_block += weights[:, 1:] @ blocks

    @abstractmethod
    def of_sums(self, sums: torch.Tensor) -> torch.Tensor:
        """The value [%] of sums (..., 3)."""

    def compute(self) -> torch.Tensor:
        """Value and error [%], shape (2,).

        The error is by bootstrap over tracks, or over blocks where there is only one track; with
        only one block it is undefined.
        """
        tracks, blocks = self.units
        replicas = self.of_sums(self.by_track if tracks > 1 else self.by_block)
        replicas = replicas[~replicas.isnan()]  # nothing was drawn, or one channel alone
        value = self.of_sums(self.sums)
        if max(tracks, blocks) < 2 or len(replicas) < 2 or value.isnan():
            return torch.stack([value, torch.full_like(value, torch.nan)])
        return torch.stack([value, replicas.std(correction=0)])


class Bias(_ChargeMetric):
    """100 (<Q_reco / Q_truth> - 1) over the good channels."""

    def of_sums(self, sums: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return 100 * (sums[..., 1] / sums[..., 0] - 1)


class Resolution(_ChargeMetric):
    """100 std(Q_reco / Q_truth) / <Q_reco / Q_truth> over the good channels.

    The standard deviation is that of the channels themselves (divided by their number); of a
    single channel it is undefined.
    """

    def of_sums(self, sums: torch.Tensor) -> torch.Tensor:  # noqa: D102
        mean, square = sums[..., 1] / sums[..., 0], sums[..., 2] / sums[..., 0]
        width = (square - mean.square()).clamp(min=0).sqrt()
        return torch.where(sums[..., 0] > 1, 100 * width / mean, torch.nan)


class Inefficiency(_ChargeMetric):
    """100 N(bad) / N(valid) channels; the error is binomial."""

    def of_sums(self, sums: torch.Tensor) -> torch.Tensor:  # noqa: D102
        raise NotImplementedError("the inefficiency is a ratio of counts")

    def compute(self) -> torch.Tensor:  # noqa: D102
        valid, bad = self.counts
        part = bad / valid
        return 100 * torch.stack([part, (part * (1 - part) / valid).sqrt()])


class ChargeProfile(Metric):
    """Mean over showers of 100 Q_reco / Q_truth, each summed over the first wires of the shower.

    The error is the standard error of the mean; of a single shower it is undefined.
    """

    full_state_update = False
    sums: torch.Tensor  # showers, sum of ratios, sum of squared ratios

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(3, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, q_reco: torch.Tensor, q_truth: torch.Tensor) -> None:
        """Add one shower: charge of its first wires [electrons], each (wire,)."""
        total = q_truth.double().sum()
        if total > 0:
            ratio = q_reco.double().sum() / total
            self.sums += torch.stack([torch.ones_like(ratio), ratio, ratio.square()])

    def compute(self) -> torch.Tensor:
        """Value and error [%], shape (2,)."""
        number, total, square = self.sums
        mean = total / number
        spread = (square / number - mean.square()).clamp(min=0) / (number - 1)
        error = torch.where(number > 1, spread.sqrt(), torch.nan)
        return 100 * torch.stack([mean, error])


def charge_metrics(
    min_truth: float, max_bad: float, replicas: int, block_channels: int, seed: int
) -> MetricCollection:
    """Bias, resolution and inefficiency, which share their sums; arguments as there."""
    given = (min_truth, max_bad, replicas, block_channels, seed)
    metrics: dict[str, Metric | MetricCollection] = {
        "bias": Bias(*given),
        "resolution": Resolution(*given),
        "inefficiency": Inefficiency(*given),
    }
    return MetricCollection(metrics, compute_groups=[list(metrics)])
