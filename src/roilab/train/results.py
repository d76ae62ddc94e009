"""Results of a training, as ``status.json`` holds them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Results:
    """Results of a training.

    Attributes:
        metrics: values by name (``val/loss``, ...) of the best checkpoint, or of the last state.
        optimized_metric: name of the metric that a sweeper optimizes.
        value: value of that metric.
        epochs: number of trained epochs.
        best_epoch: epoch of the best checkpoint, from 0.
        parameters: number of parameters of the network.
        memory_mb: peak memory since the training began by place (``process``, ``GPU``) [MB].
    """

    metrics: dict[str, float]
    optimized_metric: str | None
    value: float | None
    epochs: int
    best_epoch: int | None
    parameters: int
    memory_mb: dict[str, float]
