"""Methods of a logger for the contents of a run."""

import math
from collections.abc import Iterator, Mapping

from lightning import Trainer

from roilab.train.loggers.content import About, AngleChart, DataSet, Event, Model, Picture, Table


class ContentLogger:
    """Part of a Lightning logger that takes contents besides numbers.

    A logger overrides the methods for what it can show; the others do nothing. ``epoch`` counts
    from 0; after the last one it is their number, for the best checkpoint.
    """

    def log_about(self, about: About) -> None:
        """Log what the run is; the first call, before anything else is logged."""

    def log_data(self, data: DataSet) -> None:
        """Log which files the run reads."""

    def log_event(self, event: Event, epoch: int) -> None:
        """Log a validation image with its masks."""

    def log_angles(self, chart: AngleChart, epoch: int) -> None:
        """Log curves against angle."""

    def log_rows(self, table: Table, epoch: int) -> None:
        """Log a table."""

    def log_picture(self, picture: Picture, epoch: int) -> None:
        """Log a picture."""

    def log_results(self, results: Mapping[str, float | str]) -> None:
        """Log the results of the run: verdict, mask threshold, best epoch."""

    def log_model(self, model: Model) -> None:
        """Log the exported network."""

    def close(self, failed: bool) -> None:
        """End the log; the last call."""


def content_loggers(trainer: Trainer) -> Iterator[ContentLogger]:
    """Yield the loggers that take contents, in the process that logs."""
    if trainer.is_global_zero:
        yield from (one for one in trainer.loggers if isinstance(one, ContentLogger))


def log_numbers(trainer: Trainer, numbers: Mapping[str, float]) -> None:
    """Log numbers of the current epoch to all loggers, those of other packages too."""
    if trainer.is_global_zero and numbers:
        for logger in trainer.loggers:
            logger.log_metrics(
                {**numbers, "epoch": trainer.current_epoch}, step=trainer.global_step
            )


def finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics without NaN and infinity, which charts cannot draw."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def epoch_step(metrics: Mapping[str, float], step: int | None) -> int | None:
    """Return the epoch as the step of metrics, where a logger has no other axis."""
    epoch = metrics.get("epoch")
    return step if epoch is None else int(epoch)
