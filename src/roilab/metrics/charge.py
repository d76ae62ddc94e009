"""Bias, resolution and inefficiency of the charge per channel, and the charge profile of showers.

Definitions: H. Yu et al., JINST 16 (2021) P01036 (arXiv:2007.12743), section 5. Every metric gives
value, lower and upper bound in percent; what is undefined is NaN. States are sums over tracks,
batches and processes.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from torchmetrics import Metric, MetricCollection

from roilab.metrics.intervals import clopper_pearson


class ChargeMetric(Metric, ABC):
    """Sums over channels, once as measured and once per bootstrap replica.

    A channel is valid where its truth charge exceeds ``min_truth``; bad where it is valid and its
    reconstructed charge is at most ``max_bad`` in size; good where it is valid and not bad.

    The bootstrap draws Poisson weights: in every replica each unit (a track, or a block of
    neighbouring channels of a track) counts k times, with k from a Poisson distribution of mean 1.
    Such sums can be added over batches and processes. The weights follow from ``seed`` and the
    track's number, so the order of tracks and their process do not matter.
    """

    full_state_update = False
    units: torch.Tensor  # number of tracks, of blocks
    counts: torch.Tensor  # number of valid channels, of bad channels
    sums: torch.Tensor  # good channels: number, sum of ratios, sum of squared ratios
    by_track: torch.Tensor  # the same sums of every replica with a weight per track, (replica, 3)
    by_block: torch.Tensor  # the same with a weight per block, (replica, 3)

    def __init__(
        self, min_truth: float, max_bad: float, replicas: int, block_channels: int, seed: int
    ) -> None:
        super().__init__()
        self.min_truth, self.max_bad = min_truth, max_bad
        self.replicas, self.block_channels, self.seed = replicas, block_channels, seed
        shapes: dict[str, tuple[int, ...]] = {"units": (2,), "counts": (2,), "sums": (3,)}
        shapes |= {"by_track": (replicas, 3), "by_block": (replicas, 3)}
        for name, shape in shapes.items():
            self.add_state(name, torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, q_reco: torch.Tensor, q_truth: torch.Tensor, track: int) -> None:
        """Add one track.

        ``q_reco`` and ``q_truth`` are the charges [electrons] in the windows of all channels in
        order, (channel,). The number ``track`` is unique in the sample over all processes.
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
    def compute(self) -> torch.Tensor:
        """Return value, lower and upper bound [%], shape (3,)."""


class BootstrapMetric(ChargeMetric, ABC):
    """Ratio of sums; the bounds are value minus and plus the bootstrap's standard deviation.

    The bootstrap is over tracks, or over blocks where there is only one track; with only one
    block the bounds are NaN.
    """

    @abstractmethod
    def ratio(self, sums: torch.Tensor) -> torch.Tensor:
        """Return the value [%] of sums (..., 3), shape (...)."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        tracks, blocks = self.units
        replicas = self.ratio(self.by_track if tracks > 1 else self.by_block)
        replicas = replicas[~replicas.isnan()]  # replicas with too few channels
        value = self.ratio(self.sums)
        if max(tracks, blocks) < 2 or len(replicas) < 2:
            return _with_error(value, torch.full_like(value, torch.nan))
        return _with_error(value, replicas.std(correction=0))


class Bias(BootstrapMetric):
    """100 (<Q_reco / Q_truth> - 1) over the good channels."""

    def ratio(self, sums: torch.Tensor) -> torch.Tensor:  # noqa: D102
        return 100 * (sums[..., 1] / sums[..., 0] - 1)


class Resolution(BootstrapMetric):
    """100 std(Q_reco / Q_truth) / <Q_reco / Q_truth> over the good channels.

    The standard deviation divides by the number of channels; for a single channel it is NaN.
    """

    def ratio(self, sums: torch.Tensor) -> torch.Tensor:  # noqa: D102
        mean, square = sums[..., 1] / sums[..., 0], sums[..., 2] / sums[..., 0]
        width = (square - mean.square()).clamp(min=0).sqrt()
        return torch.where(sums[..., 0] > 1, 100 * width / mean, torch.nan)


class Inefficiency(ChargeMetric):
    """100 N(bad) / N(valid) channels; the bounds are those of Clopper and Pearson."""

    def compute(self) -> torch.Tensor:  # noqa: D102
        valid, bad = (int(count) for count in self.counts)
        bounds = self.counts.new_tensor(clopper_pearson(bad, valid))
        return 100 * torch.cat([self.counts[1:] / self.counts[:1], bounds])


class ChargeProfile(Metric):
    """Mean over showers of 100 Q_reco / Q_truth, each summed over the first wires of the shower.

    The bounds are the mean minus and plus its standard error; for a single shower they are NaN.
    """

    full_state_update = False
    sums: torch.Tensor  # number of showers, sum of ratios, sum of squared ratios

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
        """Return value, lower and upper bound [%], shape (3,)."""
        number, total, square = self.sums
        mean = total / number
        variance = (square / number - mean.square()).clamp(min=0) / (number - 1)
        error = torch.where(number > 1, variance.sqrt(), torch.nan)
        return _with_error(100 * mean, 100 * error)


def _with_error(value: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
    return torch.stack([value, value - error, value + error])


def to_columns(measured: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Return ``NAME``, ``NAME_low`` and ``NAME_high`` of charge metrics, sorted by name."""
    columns: dict[str, float] = {}
    for name, (value, low, high) in sorted(measured.items()):
        columns |= {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}
    return columns


def charge_metrics(
    min_truth: float, max_bad: float, replicas: int, block_channels: int, seed: int
) -> MetricCollection:
    """Return bias, resolution and inefficiency, which share their sums.

    Args:
        min_truth: least truth charge of a valid channel [electrons].
        max_bad: largest reconstructed charge of a bad channel [electrons].
        replicas: number of bootstrap replicas.
        block_channels: neighbouring channels in a block.
        seed: seed of the bootstrap.
    """
    settings = (min_truth, max_bad, replicas, block_channels, seed)
    metrics: dict[str, Metric | MetricCollection] = {
        "bias": Bias(*settings),
        "resolution": Resolution(*settings),
        "inefficiency": Inefficiency(*settings),
    }
    return MetricCollection(metrics, compute_groups=[list(metrics)])
