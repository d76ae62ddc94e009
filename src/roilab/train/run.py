"""One training run: data, module, callbacks, loggers and trainer put together and run."""

import logging
import resource
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from lightning import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import LearningRateMonitor, ProgressBar
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher
from lightning.pytorch.utilities import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from roilab.console import table_console
from roilab.data import RoiDataModule
from roilab.errors import RoilabError
from roilab.inference import read_checkpoint
from roilab.inference.metadata import network_name
from roilab.metrics import segmentation_metrics
from roilab.sweep.status import Results
from roilab.train.checkpoint import best_checkpoint, resume_from
from roilab.train.module import RoiModule, build_module, start_module
from roilab.train.precision import choose_precision

log = logging.getLogger(__name__)
# Lightning prints its messages itself; Hydra's logging prints them already.
logging.getLogger("lightning").handlers.clear()
# Lightning's own use of a class that torch has since deprecated; nothing a user could mend.
warnings.filterwarnings("ignore", message=r".*LeafSpec.* is deprecated", category=FutureWarning)


class MetricNameError(RoilabError):
    """The metric to optimize is none of those logged."""


def train(config: DictConfig) -> Results:
    """Fit, judge the best checkpoint, and show where everything is.

    Args:
        config: composed from ``conf/train.yaml``.

    Raises:
        RoilabError: (its subclasses too) anything the user can mend.
    """
    began = time.perf_counter()
    forget_peaks()
    recipe: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    run_dir = Path(config.run_dir)
    checkpoint = resume_from(recipe["resume"], run_dir)
    seed_everything(config.seed, workers=True, verbose=False)
    # bf16 and TF32 matrix products where the GPU has them; the CPU is not affected.
    torch.set_float32_matmul_precision("high")

    data: RoiDataModule = instantiate(config.data)
    _check_metric_name(config.optimized_metric, data.has_test)
    module = start_module(recipe) if checkpoint is None else build_module(recipe)
    trainer = build_trainer(config)
    parameters = sum(p.numel() for p in module.net.parameters())
    log.info("%s, %.2f million parameters", network_name(recipe), parameters / 1e6)
    with closing_loggers(trainer):
        for logger in trainer.loggers:
            logger.log_hyperparams(recipe)
        if data.settings.normalization == "layer" and checkpoint is None:
            data.prepare_data()
            module.normalization.set_statistics(*data.layer_statistics())
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        metrics = judge_best(trainer, module, data)
    report(trainer, metrics, run_dir, time.perf_counter() - began)
    best = best_checkpoint(trainer)
    return Results(
        metrics=metrics,
        optimized_metric=config.optimized_metric,
        value=None if config.optimized_metric is None else metrics[config.optimized_metric],
        epochs=trainer.current_epoch,
        best_epoch=None if best is None else read_checkpoint(best)["epoch"],
        parameters=parameters,
        memory_mb=peak_memory(),
    )


@contextmanager
def closing_loggers(trainer: Trainer) -> Iterator[None]:
    """Close all logs at the end, and say in them how it ended.

    A W&B run that is left open would take up what the next training of this process logs.
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


def processes_to_start(config: DictConfig) -> int:
    """How many processes Lightning would start for this trainer; 1 where this one will do.

    It is 1 as well where a cluster or ``torchrun`` has started them already.
    """
    settings = config.trainer
    try:
        trainer = Trainer(
            accelerator=settings.accelerator,
            devices=settings.devices,
            strategy=settings.strategy,
            num_nodes=settings.get("num_nodes", 1),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except Exception:
        log.debug("no trainer; the training itself will say why", exc_info=True)
        return 1
    launcher = trainer.strategy.launcher
    if not isinstance(launcher, _SubprocessScriptLauncher) or trainer.num_nodes > 1:
        return 1
    return 1 if launcher.cluster_environment.creates_processes_externally else trainer.num_devices


def build_trainer(config: DictConfig) -> Trainer:
    """The trainer with its callbacks and loggers; ``precision=auto`` is decided here."""
    settings = config.trainer.copy()
    if settings.precision == "auto":
        settings.precision, reason = choose_precision(settings.accelerator)
        log.info("precision %s: %s", settings.precision, reason)
    callbacks: list[Callback] = [instantiate(c) for c in (config.callbacks or {}).values() if c]
    loggers: list[Logger] = [instantiate(c) for c in (config.logger or {}).values() if c]
    if settings.fast_dev_run:
        loggers = []
    if not loggers:
        callbacks = [c for c in callbacks if not isinstance(c, LearningRateMonitor)]
    # Lightning would add a progress bar of its own where none is asked for.
    bar = settings.get("enable_progress_bar", any(isinstance(c, ProgressBar) for c in callbacks))
    trainer: Trainer = instantiate(
        settings, callbacks=callbacks, logger=loggers or False, enable_progress_bar=bar
    )
    return trainer


def judge_best(trainer: Trainer, module: RoiModule, data: RoiDataModule) -> dict[str, float]:
    """Validation (and test) metrics of the best checkpoint, or of the last state without one.

    Returns:
        Values by name: ``val/loss``, ``val/dice``, ...

    Raises:
        CheckpointError: the best checkpoint has vanished.
    """
    best = best_checkpoint(trainer)
    if best is not None:
        module.load_state_dict(read_checkpoint(best)["state_dict"])
    (judged,) = trainer.validate(module, datamodule=data, verbose=False)
    metrics = {name.replace("best/", "val/"): value for name, value in judged.items()}
    if data.has_test:
        metrics |= trainer.test(module, datamodule=data, verbose=False)[0]
    return metrics


def forget_peaks() -> None:
    """Begin to measure peak memory anew, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> dict[str, float]:
    """Peak memory of this process and, where there is one, of its GPU [MB]."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        kilobytes = float(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
    except (OSError, StopIteration):
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = {"process": kilobytes * 1.024e-3}
    if torch.cuda.is_available():
        peak["GPU"] = torch.cuda.max_memory_allocated() / 1e6
    return peak


@rank_zero_only
def report(trainer: Trainer, metrics: dict[str, float], run_dir: Path, seconds: float) -> None:
    """Print what was reached and where it lies."""
    table = Table(title=f"{trainer.current_epoch} epochs in {seconds:.0f} s", title_justify="left")
    table.add_column(f"of the {'best checkpoint' if best_checkpoint(trainer) else 'last state'}")
    table.add_column("value", justify="right")
    for name, value in sorted(metrics.items()):
        table.add_row(name, f"{value:.4f}")
    for where, megabytes in peak_memory().items():
        table.add_row(f"peak memory of the {where}", f"{megabytes:.0f} MB")
    console = table_console()
    console.print(table)
    best = best_checkpoint(trainer)
    places = {
        "checkpoint": best,
        "model": run_dir / "model.ts",
        "pictures": run_dir / "pictures",
        "physics": run_dir / "physics",
    }
    for name, path in places.items():
        if path is not None and path.exists():
            console.print(f"{name:10} {path}", soft_wrap=True, highlight=False)


def _check_metric_name(name: str | None, has_test: bool) -> None:
    """Before training, not after it, say that a metric does not exist."""
    stages = ("val", "test") if has_test else ("val",)
    known = [f"{stage}/{kind}" for stage in stages for kind in ("loss", *segmentation_metrics())]
    if name is not None and name not in known:
        raise MetricNameError(
            f"optimized_metric={name} is not logged; expected one of {', '.join(known)}."
        )
