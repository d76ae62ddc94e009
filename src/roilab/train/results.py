"""Results of a training, as ``status.json`` holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Results:
    """Results of a training."""

    metrics: dict[str, float]  # (val/loss, ...) of the best checkpoint, or of the last state
    optimized_metric: str | None  # name of the metric that a sweeper optimizes
    value: float | None  # of that metric
    epochs: int  # number of trained epochs
    best_epoch: int | None  # of the best checkpoint, from 0
    parameters: int  # number of parameters of the network
    left_out: dict[str, str]  # reason by event or file that was left out (data.on_error=skip)
    memory_mb: dict[str, float]  # peak since the training began, by place (process, GPU) [MB]
    checkpoint: str | None = None  # the best one, relative to the run's folder
    # Numbers of files and images by stage: {"train": {"files": 6, "images": 22}, "val": ...}
    data: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
