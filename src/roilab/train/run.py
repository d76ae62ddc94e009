"""Training run: build data, module, callbacks, loggers and trainer, then train and validate."""

import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import LearningRateMonitor, ProgressBar
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from roilab.building import build
from roilab.console import table_console
from roilab.data import RoiDataModule
from roilab.errors import RoilabError
from roilab.inference import read_checkpoint
from roilab.inference.metadata import network_name
from roilab.metrics import segmentation_metrics
from roilab.peak_memory import PeakMemory
from roilab.train.callbacks.export import ExportTorchScript
from roilab.train.checkpoint import best_checkpoint, resume_from
from roilab.train.module import RoiModule, build_module, start_module
from roilab.train.network_check import check_network
from roilab.train.precision import choose_precision
from roilab.train.results import Results

log = logging.getLogger(__name__)


class MetricNameError(RoilabError):
    """The metric to optimize is not one of those logged."""


def train(config: DictConfig) -> Results:
    """Train as ``conf/train.yaml`` says, validate the best checkpoint, and print the results.

    Raises:
        RoilabError: (its subclasses too) any mistake that the user can correct.
    """
    start, peak = time.perf_counter(), PeakMemory()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with quiet_lightning():
        seed_everything(config.seed, workers=True, verbose=False)
        # bf16 and TF32 matrix products where the GPU has them; no effect on the CPU.
        torch.set_float32_matmul_precision("high")
        trainer, module, metrics = _fit(config)
    best = best_checkpoint(trainer)
    results = Results(
        metrics=metrics,
        optimized_metric=config.optimized_metric,
        value=None if config.optimized_metric is None else metrics[config.optimized_metric],
        epochs=trainer.current_epoch,
        best_epoch=None if best is None else read_checkpoint(best)["epoch"],
        parameters=_n_parameters(module),
        memory_mb={"process": peak.mb()},
    )
    if torch.cuda.is_available():
        results.memory_mb["GPU"] = torch.cuda.max_memory_allocated() / 1e6
    _print_results(results, best, Path(config.run_dir), time.perf_counter() - start)
    return results


def _fit(config: DictConfig) -> tuple[Trainer, RoiModule, dict[str, float]]:
    """Train and validate; return the trainer, the module and the metrics."""
    recipe: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    checkpoint = resume_from(recipe["resume"], Path(config.run_dir))
    data: RoiDataModule = build("data", config.data)
    check_metric_name(config.optimized_metric, data.has_test)
    module = start_module(recipe) if checkpoint is None else build_module(recipe)
    trainer = build_trainer(config)
    check_start(module, trainer)
    log.info("%s, %.2f million parameters", network_name(recipe), _n_parameters(module) / 1e6)
    with _closing_loggers(trainer):
        for logger in trainer.loggers:
            logger.log_hyperparams(recipe)
        if data.settings.normalization == "layer" and checkpoint is None:
            data.prepare_data()
            module.normalization.set_statistics(*data.layer_statistics())
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        return trainer, module, validate_best(trainer, module, data)


def check_start(module: RoiModule, trainer: Trainer) -> str:
    """Check network, loss and export on small images, before any data are prepared.

    Returns:
        How the network will be exported, for a table.

    Raises:
        RoilabError: (its subclasses) the training would fail, or its export at the end.
    """
    check_network(module, warn=trainer.is_global_zero)
    if not trainer.is_global_zero:
        return ""
    exports = [c.check(module) for c in trainer.callbacks if isinstance(c, ExportTorchScript)]  # type: ignore[attr-defined]
    return "; ".join(exports) or "none"


def build_trainer(config: DictConfig) -> Trainer:
    """Build the trainer with its callbacks and loggers; ``precision=auto`` is decided here."""
    settings = config.trainer.copy()
    if settings.precision == "auto":
        settings.precision, reason = choose_precision(settings.accelerator)
        log.info("precision %s: %s", settings.precision, reason)
    callbacks: list[Callback] = _build_all("callbacks", config.callbacks)
    loggers: list[Logger] = _build_all("logger", config.logger)
    if settings.fast_dev_run:
        loggers = []
    if not loggers:
        callbacks = [c for c in callbacks if not isinstance(c, LearningRateMonitor)]
    # Without this argument Lightning adds a progress bar that was not configured.
    bar = settings.get("enable_progress_bar", any(isinstance(c, ProgressBar) for c in callbacks))
    arguments = {"callbacks": callbacks, "logger": loggers or False, "enable_progress_bar": bar}
    trainer: Trainer = build("trainer", settings, **arguments)
    return trainer


def _build_all(group: str, parts: Mapping[str, Any] | None) -> list[Any]:
    return [build(f"{group}.{name}", part) for name, part in (parts or {}).items() if part]


def validate_best(trainer: Trainer, module: RoiModule, data: RoiDataModule) -> dict[str, float]:
    """Compute validation and test metrics of the best checkpoint, or of the last state.

    Returns:
        Values by name: ``val/loss``, ``val/dice``, ...; ``test/...`` where there are test files.

    Raises:
        CheckpointError: the best checkpoint no longer exists.
    """
    best = best_checkpoint(trainer)
    if best is not None:
        module.load_state_dict(read_checkpoint(best)["state_dict"])
    (values,) = trainer.validate(module, datamodule=data, verbose=False)
    metrics = {name.replace("best/", "val/"): value for name, value in values.items()}
    if data.has_test:
        metrics |= trainer.test(module, datamodule=data, verbose=False)[0]
    return metrics


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence what Lightning prints a second time, and a warning about its own code."""
    # Its messages reach the handlers of the root logger too.
    logger = logging.getLogger("lightning")
    handlers, logger.handlers = logger.handlers, []
    try:
        with warnings.catch_warnings():
            # Lightning uses a class that torch has deprecated; a user cannot change that.
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)
            yield
    finally:
        logger.handlers = handlers


@contextmanager
def _closing_loggers(trainer: Trainer) -> Iterator[None]:
    """Close all logs at the end, with success or failure as their status.

    An open W&B run would record the next training of this process too.
    """
    status = "failed"
    try:
        yield
        status = "success"
    finally:
        for logger in trainer.loggers:
            logger.finalize(status)
            if isinstance(logger, WandbLogger) and trainer.is_global_zero:
                import wandb

                wandb.finish(exit_code=int(status == "failed"))


@rank_zero_only
def _print_results(results: Results, best: Path | None, run_dir: Path, seconds: float) -> None:
    """Print metrics, memory, and the paths of the files written."""
    table = Table(title=f"{results.epochs} epochs in {seconds:.0f} s", title_justify="left")
    table.add_column(f"of the {'best checkpoint' if best else 'last state'}")
    table.add_column("value", justify="right")
    for name, value in sorted(results.metrics.items()):
        table.add_row(name, f"{value:.4f}")
    for place, megabytes in results.memory_mb.items():
        table.add_row(f"peak memory of the {place}", f"{megabytes:.0f} MB")
    console = table_console()
    console.print(table)
    paths = {
        "checkpoint": best,
        "model": run_dir / "model.ts",
        "pictures": run_dir / "pictures",
        "physics": run_dir / "physics",
    }
    for name, path in paths.items():
        if path is not None and path.exists():
            console.print(f"{name:10} {path}", soft_wrap=True, highlight=False)


def _n_parameters(module: RoiModule) -> int:
    return sum(parameter.numel() for parameter in module.net.parameters())


def check_metric_name(name: str | None, has_test: bool) -> None:
    """Check before the training that the metric to optimize exists."""
    stages = ("val", "test") if has_test else ("val",)
    known = [f"{stage}/{kind}" for stage in stages for kind in ("loss", *segmentation_metrics())]
    if name is not None and name not in known:
        raise MetricNameError(
            f"optimized_metric={name} is not logged; expected one of {', '.join(known)}."
        )
