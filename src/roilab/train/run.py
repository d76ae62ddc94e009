"""Training run: build data, module, callbacks, loggers and trainer, then train and validate."""

import logging
import math
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import Checkpoint, LearningRateMonitor, ProgressBar
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig, OmegaConf

from roilab.building import build
from roilab.data import RoiDataModule
from roilab.faults import explain_faults
from roilab.freed_memory import reuse_freed_memory
from roilab.inference import WorkingPointRule, read_checkpoint
from roilab.inference.metadata import network_name
from roilab.inference.working_point import CHOOSE
from roilab.peak_memory import PeakMemory
from roilab.threads import set_threads
from roilab.train.callbacks.export import ExportTorchScript
from roilab.train.checkpoint import best_checkpoint, resume_from
from roilab.train.loggers.moments import LogData, closing_loggers, log_end, log_start
from roilab.train.module import RoiModule, build_module, start_module
from roilab.train.network_check import check_network
from roilab.train.precision import choose_precision
from roilab.train.results import Results, print_results, relative_checkpoint
from roilab.train.resume import Difference, check_resume, log_differences
from roilab.train.resume_override import OverrideOptimizer
from roilab.train.teacher import open_teacher
from roilab.train.working_point import ChooseMaskThreshold, no_validation, store_working_point
from roilab.verdict import Verdict, judge_training, read_training_table

log = logging.getLogger(__name__)
Metrics = dict[str, float]
_LESS_MEMORY = (
    "Lower data.batch_size, raise data.rebin, choose a smaller network (model=mobilenetv3, smaller "
    "model.net widths) or trainer.precision=bf16-mixed, or take a machine with more memory."
)


def train(config: DictConfig) -> Results:
    """Train as ``conf/train.yaml`` says, validate the best checkpoint, and print the results.

    Raises:
        RoilabError: (its subclasses too) any mistake that the user can correct.
    """
    start, peak = time.perf_counter(), PeakMemory()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with quiet_lightning(), explain_faults(_LESS_MEMORY):
        set_up_process(config)
        trainer, module, data, metrics, verdict = _fit(config)
    best = best_checkpoint(trainer)
    results = Results(
        metrics=metrics,
        optimized_metric=config.optimized_metric,
        value=None if config.optimized_metric is None else metrics[config.optimized_metric],
        epochs=trainer.current_epoch,
        best_epoch=_epoch(best),
        parameters=_n_parameters(module),
        left_out=dict(data.left_out),
        memory_mb={"process": peak.mb()},
        checkpoint=relative_checkpoint(best, Path(config.run_dir)),
        data=data.counts(),
        working_point=module.working_point.plain(),
        verdict=verdict.plain(),
    )
    if torch.cuda.is_available():
        results.memory_mb["GPU"] = torch.cuda.max_memory_allocated() / 1e6
    if trainer.is_global_zero:
        print_results(results, Path(config.run_dir), time.perf_counter() - start)
    return results


def set_up_process(config: DictConfig) -> None:
    """Set random numbers, threads, memory and the precision of products for a training."""
    seed_everything(config.seed, workers=True, verbose=False)
    set_threads(config.trainer.threads)
    reuse_freed_memory()
    # bf16 and TF32 matrix products where the GPU has them; no effect on the CPU.
    torch.set_float32_matmul_precision("high")


def _judge(
    run_dir: Path, module: RoiModule, data: RoiDataModule, metrics: Mapping[str, float]
) -> Verdict:
    """Return the verdict on the best checkpoint."""
    # Without samples the table would be that of an earlier start of this run.
    rows = read_training_table(run_dir) if data.samples else []
    return judge_training(rows, metrics, module.working_point.plain())


def _fit(config: DictConfig) -> tuple[Trainer, RoiModule, RoiDataModule, Metrics, Verdict]:
    """Train, validate and export; return trainer, module, data, metrics and the verdict."""
    recipe: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    checkpoint = resume_from(recipe["resume"], Path(config.run_dir))
    differences: list[Difference] = []
    if checkpoint is not None:
        differences = check_resume(read_checkpoint(checkpoint)["roilab_recipe"], recipe)
        log_differences(differences)
    data: RoiDataModule = build("data", config.data)
    module = start_module(recipe) if checkpoint is None else build_module(recipe)
    module.teacher = open_teacher(recipe["distill"], recipe["data"])
    trainer = build_trainer(config)
    check_start(module, trainer)
    if differences:
        trainer.callbacks.append(OverrideOptimizer(differences))  # type: ignore[attr-defined]
    log.info("%s, %.2f million parameters", network_name(recipe), _n_parameters(module) / 1e6)
    with closing_loggers(trainer):
        log_start(trainer, recipe)
        if data.settings.normalization == "layer" and checkpoint is None:
            data.prepare_data()
            module.normalization.set_statistics(*data.layer_statistics())
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        if trainer.global_step == 0:
            log.warning("no step of training was made: the network has the weights of its start.")
        metrics = validate_best(trainer, module, data)
        log.info("%s", module.working_point)
        exported = [
            (export.path, export.export(trainer, module))
            for export in (_exports(trainer) if trainer.is_global_zero else ())
        ]
        verdict = _judge(Path(config.run_dir), module, data, metrics)
        best = _epoch(best_checkpoint(trainer)), module.mask_thresh
        log_end(trainer, recipe, metrics, verdict, exported, best)
        return trainer, module, data, metrics, verdict


def _epoch(checkpoint: Path | None) -> int | None:
    return None if checkpoint is None else int(read_checkpoint(checkpoint)["epoch"])


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
    return "; ".join(export.check(module) for export in _exports(trainer)) or "none"


def _exports(trainer: Trainer) -> list[ExportTorchScript]:
    return [c for c in trainer.callbacks if isinstance(c, ExportTorchScript)]  # type: ignore[attr-defined]


def build_trainer(config: DictConfig) -> Trainer:
    """Build the trainer with its callbacks and loggers; ``precision=auto`` is decided here."""
    settings = config.trainer.copy()
    del settings.threads  # not of Lightning
    if settings.precision == "auto":
        settings.precision, reason = choose_precision(settings.accelerator)
        log.info("precision %s: %s", settings.precision, reason)
    callbacks: list[Callback] = _build_all("callbacks", config.callbacks)
    if config.model.mask_thresh == CHOOSE:
        rule = OmegaConf.to_container(config.working_point, resolve=True)
        callbacks.append(ChooseMaskThreshold(WorkingPointRule(**rule)))  # type: ignore[arg-type]
    callbacks.append(LogData())
    loggers: list[Logger] = _build_all("logger", config.logger)
    if settings.fast_dev_run:
        loggers = []
    if not loggers:
        callbacks = [c for c in callbacks if not isinstance(c, LearningRateMonitor)]
    # Without these arguments Lightning adds a progress bar and checkpoints, if not configured.
    added = {"enable_progress_bar": ProgressBar, "enable_checkpointing": Checkpoint}
    arguments: dict[str, Any] = {"callbacks": callbacks, "logger": loggers or False}
    for name, kind in added.items():
        arguments[name] = settings.get(name, any(isinstance(c, kind) for c in callbacks))
    trainer: Trainer = build("trainer", settings, **arguments)
    return trainer


def _build_all(group: str, parts: Mapping[str, Any] | None) -> list[Any]:
    return [build(f"{group}.{name}", part) for name, part in (parts or {}).items() if part]


def validate_best(trainer: Trainer, module: RoiModule, data: RoiDataModule) -> dict[str, float]:
    """Compute validation and test metrics of the best checkpoint, or of the last state.

    ``ChooseMaskThreshold`` chooses the mask threshold before, at which they hold; the best and the
    last checkpoint get it.

    Returns:
        Values by name: ``val/loss``, ``val/dice``, ...; ``test/...`` where there are test files.
        None of a stage that ``trainer.limit_val_batches`` or ``limit_test_batches`` leave out.

    Raises:
        CheckpointError: the best checkpoint no longer exists.
    """
    best = best_checkpoint(trainer)
    if best is not None:
        module.load_state_dict(read_checkpoint(best)["state_dict"])
    if module.recipe["model"]["mask_thresh"] == CHOOSE:
        module.working_point = no_validation(module)
    validated = trainer.validate(module, datamodule=data, verbose=False)
    if trainer.is_global_zero:
        store_working_point(trainer, module)
    tested = trainer.test(module, datamodule=data, verbose=False) if data.has_test else []
    metrics: dict[str, float] = {}
    for part in (*validated, *tested):
        metrics |= {name.replace("best/", "val/"): value for name, value in part.items()}
    return _without_nan_network(metrics)


def _without_nan_network(metrics: dict[str, float]) -> dict[str, float]:
    """Set the metrics of a stage to NaN whose loss is: masks of NaN would count as no ROI."""
    bad = [stage for stage in ("val", "test") if math.isnan(metrics.get(f"{stage}/loss", 0.0))]
    if bad:
        log.warning(
            "%s: the network returns NaN, so its other metrics are NaN too; do not use it. Lower "
            "optimizer.lr, or train in trainer.precision=32-true.",
            " and ".join(f"{stage}/loss is NaN" for stage in bad),
        )
    return {n: math.nan if n.partition("/")[0] in bad else value for n, value in metrics.items()}


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence what Lightning prints a second time, and warnings that help no user."""
    # Its messages reach the handlers of the root logger too.
    logger = logging.getLogger("lightning")
    handlers, logger.handlers = logger.handlers, []
    try:
        with warnings.catch_warnings():
            # Lightning uses a class that torch has deprecated; a user cannot change that.
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)
            # Processes that read files ahead may be more than cores, such as on one core.
            warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
            yield
    finally:
        logger.handlers = handlers


def _n_parameters(module: RoiModule) -> int:
    return sum(parameter.numel() for parameter in module.net.parameters())
