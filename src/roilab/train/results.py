"""Results of a training, as ``status.json`` holds them."""

from dataclasses import dataclass


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
