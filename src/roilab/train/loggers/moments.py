"""Start and end of the log of a training."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from roilab.data import RoiDataModule
from roilab.model_card import CARD_FILE
from roilab.train.loggers.about import about_training
from roilab.train.loggers.base import content_loggers
from roilab.train.loggers.content import DataSet, Model, key_part
from roilab.verdict import Verdict

log = logging.getLogger(__name__)
Recipe = Mapping[str, Any]


@contextmanager
def closing_loggers(trainer: Trainer) -> Iterator[None]:
    """Close all logs at the end, with success or failure as their status.

    After a failure or a signal, a log that cannot be closed is only named in a warning.
    """
    try:
        yield
    except BaseException:
        for name, close in _closings(trainer, failed=True):
            try:
                close()
            except Exception as error:  # of any package: a signal may have ended its import
                log.warning("%s: the log could not be closed (%s)", name, error)
        raise
    for _, close in _closings(trainer, failed=False):
        close()


def _closings(trainer: Trainer, failed: bool) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the name of every logger and a function that closes its log."""
    for logger in trainer.loggers:
        status = "failed" if failed else "success"
        yield type(logger).__name__, partial(logger.finalize, status)
    for content in content_loggers(trainer):
        yield type(content).__name__, partial(content.close, failed)


def log_start(trainer: Trainer, recipe: Recipe) -> None:
    """Log what the run is, and its configuration."""
    about = about_training(recipe)
    for content in content_loggers(trainer):
        content.log_about(about)
    for logger in trainer.loggers:
        logger.log_hyperparams(recipe)  # type: ignore[arg-type]


class LogData(Callback):
    """Log which files a training reads, when they exist and before its first step."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log them."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        if isinstance(data, RoiDataModule):
            content = _describe_data(data)
            for logger in content_loggers(trainer):
                logger.log_data(content)


def _describe_data(data: RoiDataModule) -> DataSet:
    settings = data.settings
    pairs = dict.fromkeys(one.pair for stage in data.stages for one in data.dataset(stage).sources)
    folder = settings.files.dir
    return DataSet(
        name=f"frames-{key_part(folder.resolve().name)}",
        folder=folder,
        files=list(dict.fromkeys(path for pair in pairs for path in (pair.rec, pair.tru))),
        metadata={
            "folder": str(folder.resolve()),
            "detector": (settings.detector or {}).get("name"),
            "planes": list(settings.planes),
            "counts": data.counts(),
        },
    )


def log_end(
    trainer: Trainer,
    recipe: Recipe,
    metrics: Mapping[str, float],
    verdict: Verdict,
    exported: Sequence[tuple[Path, Mapping[str, Any]]],
    best: tuple[int | None, float],
) -> None:
    """Log verdict, working point, and the exported networks.

    Args:
        trainer: of the training.
        recipe: its configuration.
        metrics: of the best checkpoint.
        verdict: on it.
        exported: TorchScript file and metadata of every export.
        best: epoch of the best checkpoint, and its mask threshold.
    """
    epoch, mask_thresh = best
    results: dict[str, float | str] = {"mask_thresh": mask_thresh}
    results |= {"verdict": verdict.kind.value, "verdict_sentence": verdict.sentence}
    if epoch is not None:
        results["best_epoch"] = epoch
    about = about_training(recipe)
    models = [
        Model(
            name=about.subject,
            files=[one for one in _delivered(path) if one.is_file()],
            aliases=["last" if epoch is None else "best", about.name],
            metadata={**metadata, **results, "metrics": dict(metrics)},
        )
        for path, metadata in exported
    ]
    for logger in content_loggers(trainer):
        logger.log_results(results)
        for model in models:
            logger.log_model(model)


def _delivered(path: Path) -> list[Path]:
    """Return the files of an export, which lie in one folder."""
    others = (CARD_FILE, "dnnroi.jsonnet", "anode.jsonnet")
    return [path, path.with_suffix(".json"), *(path.with_name(name) for name in others)]
