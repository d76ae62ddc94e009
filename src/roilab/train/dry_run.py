"""``roilab train --dry-run``: build and check everything, measure a step, write nothing."""

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from roilab.building import build
from roilab.console import table_console
from roilab.data import CropSpec, RoiDataModule
from roilab.data.split import count_validation
from roilab.export.exported_network import image_size
from roilab.inference import read_checkpoint
from roilab.inference.metadata import network_name
from roilab.inference.working_point import CHOOSE
from roilab.train.checkpoint import resume_from
from roilab.train.module import RoiModule, build_module, start_module
from roilab.train.resume import check_resume, log_differences
from roilab.train.run import build_trainer, check_start, quiet_lightning, set_up_process
from roilab.train.step_costs import StepCosts, measure_step
from roilab.train.teacher import open_teacher

_STAGES = {"train": "training", "val": "validation", "test": "test"}
_TRUE_SHARE = 0.05  # of the pixels of a random truth mask


@dataclass(frozen=True)
class Content:
    """Events and images of one stage."""

    events: int
    images: int


@dataclass(frozen=True)
class Batch:
    """The batch that is measured.

    Attributes:
        image: layers (batch, layer, channel, slice).
        truth_mask: of it, (batch, 1, channel, slice).
        read_s: time to read and prepare one image [s]; ``None`` for a random image.
    """

    image: torch.Tensor
    truth_mask: torch.Tensor
    read_s: float | None


def dry_run(config: DictConfig) -> None:
    """Check a training and print what it would do, with its expected memory and time.

    Files, detector, network, loss, optimizer, scheduler, callbacks and export are made as for the
    training. No folder, cache, log or W&B run is written, and no frames are simulated.

    Raises:
        RoilabError: (its subclasses) the training would fail.
    """
    recipe: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    with quiet_lightning(), _without_hardware_messages():
        set_up_process(config)
        checkpoint = resume_from(recipe["resume"], Path(config.run_dir))
        if checkpoint is not None:
            saved = read_checkpoint(checkpoint)["roilab_recipe"]
            log_differences(check_resume(saved, recipe))
        data: RoiDataModule = build("data", config.data)
        contents = count_images(data)
        module = start_module(recipe) if checkpoint is None else build_module(recipe)
        module.teacher = open_teacher(recipe["distill"], recipe["data"])
        trainer = _build_trainer(config)
        export = check_start(module, trainer)
        batch = _batch(data, recipe)
        costs = measure_step(module, trainer, batch.image, batch.truth_mask)
        costs = _of_crops(costs, data.settings.crop_spec, image_size(recipe))
    rows = {
        **_describe_data(data, recipe, contents),
        **_describe_network(module, recipe, trainer, costs),
        "mask threshold": _describe_threshold(module, recipe),
        "exported network": export,
        **_describe_time(trainer, recipe, contents, batch, costs),
        "output": _describe_output(Path(config.run_dir), checkpoint),
    }
    table = Table(title="Dry run: nothing is written", title_justify="left", show_header=False)
    for name, text in rows.items():
        table.add_row(name, text)
    table_console().print(table)


@contextmanager
def _without_hardware_messages() -> Iterator[None]:
    """Hide Lightning's list of absent hardware, as the log of a training does."""
    logger = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def count_images(data: RoiDataModule) -> dict[str, Content]:
    """Return events and images by stage, also of frames that are not simulated yet."""
    expected = data.events_to_simulate()
    if expected is None:
        data.setup()
        datasets = {name: data.dataset(name) for name in _STAGES if name in data.stages}
        return {
            name: Content(len({s.event_key for s in dataset.sources}), len(dataset))
            for name, dataset in datasets.items()
        }
    settings = data.settings
    n_val = count_validation(expected, settings.val_fraction)
    planes = 1 if settings.stack else len(settings.planes)
    events = {"train": expected - n_val, "val": n_val}
    return {name: Content(count, count * planes) for name, count in events.items()}


def _build_trainer(config: DictConfig) -> Trainer:
    """Build the trainer without loggers, which would make files; check that they can be made."""
    for name, logger in (config.logger or {}).items():
        if logger:
            build(f"logger.{name}", {**logger, "_partial_": True})
    silent = config.copy()
    silent.logger = None
    return build_trainer(silent)


def _batch(data: RoiDataModule, recipe: Mapping[str, Any]) -> Batch:
    """Return a batch of the first large image, or of a random one before a simulation."""
    batch_size = recipe["data"]["batch_size"]
    if data.events_to_simulate() is not None:
        shape = (batch_size, len(recipe["data"]["layers"]), *image_size(recipe))
        truth = (torch.rand(batch_size, 1, *shape[2:]) < _TRUE_SHARE).float()
        return Batch(torch.rand(shape), truth, None)
    dataset = data.dataset("train")
    channels = [sum(b - a for a, b in source.channel_ranges) for source in dataset.sources]
    start = time.perf_counter()
    item = dataset.uncached(channels.index(max(channels)))
    seconds = time.perf_counter() - start
    image, truth = (item[key].expand(batch_size, -1, -1, -1) for key in ("image", "truth_mask"))
    return Batch(image, truth, seconds)


def _of_crops(costs: StepCosts, crop: CropSpec | None, size: tuple[int, int]) -> StepCosts:
    """Return the costs of training on the crops of an image, in proportion to their pixels."""
    if crop is None:
        return costs
    share = crop.per_image * crop.channels * crop.slices / math.prod(size)
    image_bytes = round(costs.image_bytes * share)
    return replace(costs, train_s=costs.train_s * share, image_bytes=image_bytes)


def _describe_data(
    data: RoiDataModule, recipe: Mapping[str, Any], contents: Mapping[str, Content]
) -> dict[str, str]:
    settings, (height, width) = data.settings, image_size(recipe)
    detector = (recipe["data"]["detector"] or {}).get("name", "")
    planes = ("+" if settings.stack else ", ").join(settings.planes)
    rows = {
        "image": f"{len(settings.layers)} layers x {height} channels x {width} slices: "
        f"{', '.join(settings.layers)}; rebin {settings.rebin}",
        "detector": f"{detector}, plane {planes}",
        "frames": str(settings.files.dir),
    }
    if (crop := settings.crop_spec) is not None:
        rows["image"] += (
            f"; trained on {crop.per_image} crops of {crop.channels} x {crop.slices} of every image"
        )
    if settings.augment_spec is not None:
        rows["image"] += "; changed at random in training (data.augment)"
    if (events := data.events_to_simulate()) is not None:
        rows["frames"] += f" (absent: {events} events are simulated first; numbers expected)"
    for stage, content in contents.items():
        rows[_STAGES[stage]] = f"{content.events} events, {content.images} images"
    return rows


def _describe_network(
    module: RoiModule, recipe: Mapping[str, Any], trainer: Trainer, costs: StepCosts
) -> dict[str, str]:
    million = sum(p.numel() for p in module.net.parameters()) / 1e6
    batch, device = recipe["data"]["batch_size"], trainer.strategy.root_device
    total = costs.image_bytes * batch + costs.fixed_bytes
    free = "" if costs.free_bytes is None else f"; {costs.free_bytes / 1e6:.0f} MB are free"
    if costs.free_bytes is not None and total > costs.free_bytes:
        free += ", TOO FEW: lower data.batch_size, or raise data.rebin"
    processes = "" if trainer.world_size == 1 else f", {trainer.world_size} processes"
    scheduler = recipe["scheduler"]["factory"]
    return {
        "network": f"{network_name(recipe)}, {million:.2f} million parameters",
        "loss, optimizer, scheduler": ", ".join(
            "none" if part is None else part["_target_"].rsplit(".", 1)[-1]
            for part in (recipe["loss"], recipe["optimizer"], scheduler)
        ),
        "device": f"{device}, precision {trainer.precision}{processes}",
        "memory of the training": f"about {costs.image_bytes / 1e6:.0f} MB per image x {batch} + "
        f"{costs.fixed_bytes / 1e6:.0f} MB (weights, gradients, optimizer){free}",
    }


def _describe_threshold(module: RoiModule, recipe: Mapping[str, Any]) -> str:
    if recipe["model"]["mask_thresh"] != CHOOSE:
        return f"{module.mask_thresh:g}, {module.working_point.rule}"
    most = recipe["working_point"]["images"]
    images = "all validation images" if most is None else f"at most {most} validation images"
    return f"chosen after the training on {images}: {module.working_point.rule}"


def _describe_time(
    trainer: Trainer,
    recipe: Mapping[str, Any],
    contents: Mapping[str, Content],
    batch: Batch,
    costs: StepCosts,
) -> dict[str, str]:
    train, val = (_batches(contents[stage], stage, trainer, recipe) for stage in ("train", "val"))
    steps = math.ceil(train / trainer.accumulate_grad_batches)
    epochs = _epochs(trainer, steps)
    # Measured on a training batch.
    val_s = costs.val_s * recipe["data"]["val_batch_size"] / recipe["data"]["batch_size"]
    epoch = train * costs.train_s + val * val_s
    in_all = ("", "") if epochs is None else (
        f" x {epochs} epochs = {steps * epochs}", f", {_duration(epoch * epochs)} in total",
    )  # fmt: skip
    early = (recipe["callbacks"] or {}).get("early_stopping")
    sooner = "; early_stopping may end it sooner" if early else ""
    scaled = "" if costs.pixels == 1 else f", {costs.pixels:.0%} of a batch, scaled by pixels"
    how = f"1 step of {' x '.join(map(str, costs.shape))}{scaled}"
    kind = "random" if batch.read_s is None else "real"
    rows = {
        "steps": f"{steps} per epoch{in_all[0]}",
        "time per step": f"{costs.train_s:.2f} s; validation {val_s:.2f} s per batch "
        f"(measured: {how}; {kind} image)",
        "time": f"{_duration(epoch)} per epoch{in_all[1]}, without pictures, export and waiting "
        f"for data{sooner}",
    }
    if batch.read_s is not None and recipe["data"]["cache"] is not None:
        images = sum(content.images for content in contents.values())
        workers = max(1, recipe["data"]["num_workers"])
        rows["first reading"] = (
            f"{batch.read_s:.2f} s per image, {_duration(batch.read_s * images / workers)} in all "
            f"(data.num_workers={recipe['data']['num_workers']}), for images not in the cache"
        )
    return rows


def _batches(content: Content, stage: str, trainer: Trainer, recipe: Mapping[str, Any]) -> int:
    """Return the batches of an epoch in one process, with Lightning's limit (number or share)."""
    images = math.ceil(content.images / trainer.world_size)
    key = "batch_size" if stage == "train" else "val_batch_size"
    batch_size: int = recipe["data"][key]
    batches = math.ceil(images / batch_size)
    limit: int | float | None = getattr(trainer, f"limit_{stage}_batches")
    if limit is None:
        return batches
    limited: int = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
    return limited


def _epochs(trainer: Trainer, steps: int) -> int | None:
    """Return the largest number of epochs; ``None`` without a limit."""
    limits = [trainer.max_epochs] if (trainer.max_epochs or -1) > 0 else []
    if trainer.max_steps > 0:
        limits.append(math.ceil(trainer.max_steps / max(steps, 1)))
    return min((limit for limit in limits if limit is not None), default=None)


def _describe_output(folder: Path, checkpoint: Path | None) -> str:
    if checkpoint is not None:
        return f"{folder}, resumed from {checkpoint}"
    return f"{folder}{' (exists)' if folder.exists() else ''}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
