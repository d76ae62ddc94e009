"""Lightning module: training, validation and test of any network."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from lightning import LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn
from torchmetrics import MeanMetric, MetricCollection

import roilab
from roilab.building import build
from roilab.data import TrainingItem
from roilab.inference import WorkingPoint, network_file
from roilab.inference.checkpoint import WORKING_POINT
from roilab.metrics import segmentation_metrics
from roilab.model_card import EARLIER, trainings_behind
from roilab.models import LayerNormalization, build_net, load_weights
from roilab.train.depthwise import depthwise_gradients
from roilab.train.teacher import Teacher

Recipe = Mapping[str, Any]
# "best" is the validation of the best checkpoint after training; under "val" it would be logged
# as one more epoch.
Stage = Literal["train", "val", "best", "test"]
_STAGES: tuple[Stage, ...] = ("train", "val", "best", "test")


class _StageMetrics(nn.Module):
    """Metrics by stage; a ``ModuleDict`` cannot have the key "train", the name of a method."""

    def __init__(self, metrics: Mapping[Stage, MeanMetric | MetricCollection]) -> None:
        super().__init__()
        for stage, metric in metrics.items():
            self.add_module(f"on_{stage}", metric)

    def __getitem__(self, stage: Stage) -> Any:
        return getattr(self, f"on_{stage}")


class RoiModule(LightningModule):
    """Network with its loss, metrics and optimizer.

    Args:
        net: maps layers (batch, layer, channel, slice) to ROI logits (batch, 1, channel, slice).
        loss: maps (logits, truth mask) to a scalar.
        optimizer: makes the optimizer of the parameters.
        scheduler: ``factory`` (makes the scheduler of an optimizer, or ``None``) and the other
            keys of Lightning's scheduler configuration (``interval``, ``monitor``, ...).
        channels_last: store images with the layer axis last in memory, where convolutions are
            faster.
        recipe: complete configuration as plain containers; saved in every checkpoint, so that
            the network can be built again from it.

    Attributes:
        working_point: mask threshold, saved in every checkpoint; ``ChooseMaskThreshold`` chooses
            it after the training.
        earlier: trainings that led to the weights it began with, see ``trainings_behind``; saved
            in every checkpoint, for the model card.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
        scheduler: Mapping[str, Any],
        channels_last: bool,
        recipe: Recipe,
    ) -> None:
        super().__init__()
        self.normalization = LayerNormalization(len(recipe["data"]["layers"]))
        self.net, self.loss = net, loss
        self.recipe, self.working_point = recipe, WorkingPoint.at_start(recipe)
        self.earlier: Sequence[Mapping[str, Any]] = ()
        self._optimizer, self._scheduler = optimizer, scheduler
        self.teacher: Teacher | None = None  # of a distillation; set before the training
        self._memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.net.to(memory_format=self._memory_format)
        self.losses = _StageMetrics(
            {stage: MeanMetric(nan_strategy="disable") for stage in _STAGES}
        )
        self.metrics = _StageMetrics(
            {stage: segmentation_metrics().clone(f"{stage}/") for stage in _STAGES[1:]}
        )

    @property
    def mask_thresh(self) -> float:
        """A pixel is in the ROI mask if its probability is above this, as in WCT."""
        return self.working_point.mask_thresh

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, 1, channel, slice) of layers (batch, layer, channel, slice)."""
        image = self.normalization(image).contiguous(memory_format=self._memory_format)
        # bf16-true and the like: pictures and samples come in float32.
        weight = next(self.net.parameters(), image)
        image = image.to(weight.dtype)
        logits: torch.Tensor = self.net(image)
        return logits

    def _step(self, batch: TrainingItem, stage: Stage) -> torch.Tensor:
        truth_mask = batch["truth_mask"]
        with depthwise_gradients():
            logits = self(batch["image"]).float()
        target = truth_mask
        if stage == "train" and self.teacher is not None:
            target = self.teacher.target(batch["image"], truth_mask)
        loss: torch.Tensor = self.loss(logits, target)
        mean = self.losses[stage]
        mean.update(loss.detach(), len(truth_mask))
        self.log(f"{stage}/loss", mean, on_step=False, on_epoch=True, prog_bar=True)
        if stage != "train":
            metrics = self.metrics[stage]
            metrics.update(self.roi_mask(logits), truth_mask > 0)
            self.log_dict(metrics, on_step=False, on_epoch=True)
        return loss

    def roi_mask(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the boolean ROI mask of logits: probability above ``mask_thresh``."""
        return logits.sigmoid() > self.mask_thresh

    def on_train_epoch_start(self) -> None:
        """Seed the random numbers (dropout, ...) from seed, epoch and process.

        They do not depend on earlier epochs, so a resumed run draws the same ones.
        """
        sequence = np.random.SeedSequence(
            (self.recipe["seed"], self.current_epoch, self.global_rank)
        )
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))

    def training_step(self, batch: TrainingItem, batch_idx: int) -> torch.Tensor:  # noqa: D102
        return self._step(batch, "train")

    def validation_step(self, batch: TrainingItem, batch_idx: int) -> None:  # noqa: D102
        self._step(batch, "best" if self.trainer.state.fn == TrainerFn.VALIDATING else "val")

    def test_step(self, batch: TrainingItem, batch_idx: int) -> None:  # noqa: D102
        self._step(batch, "test")

    def configure_optimizers(self) -> Any:
        """Return the optimizer, with its scheduler (if any) in Lightning's form."""
        optimizer = self._optimizer(self.net.parameters())
        factory = self._scheduler["factory"]
        if factory is None:
            return optimizer
        settings = {**self._scheduler, "scheduler": factory(optimizer)}
        del settings["factory"]
        return {"optimizer": optimizer, "lr_scheduler": settings}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add recipe, earlier trainings, working point and version to a checkpoint."""
        checkpoint["roilab_recipe"] = dict(self.recipe)
        checkpoint[EARLIER] = [dict(training) for training in self.earlier]
        checkpoint[WORKING_POINT] = self.working_point.plain()
        checkpoint["roilab_version"] = roilab.__version__

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the earlier trainings from a checkpoint that a training is resumed from."""
        self.earlier = checkpoint.get(EARLIER) or ()


def start_module(recipe: Recipe) -> RoiModule:
    """Build a module for a new training, with weights from the files that the recipe names.

    Raises:
        NetworkNameError: there is neither a file ``model.weights`` nor a reference network of
            that name.
        WeightsError: ``model.weights`` cannot be read or belongs to another network.
        NetworkError: the network cannot be built as configured.
    """
    module = build_module(recipe, load_files=True)
    if recipe["model"]["weights"] is not None:
        file = network_file(recipe["model"]["weights"])
        load_weights(module.net, file)
        module.earlier = trainings_behind(file)
    return module


def build_module(recipe: Recipe, load_files: bool = False) -> RoiModule:
    """Build a module with random weights, or those of files that the network's settings name."""
    return RoiModule(
        net=build_net(recipe["model"]["net"], load_files=load_files),
        loss=build("loss", recipe["loss"]),
        optimizer=build("optimizer", recipe["optimizer"]),
        scheduler=_build_scheduler(recipe["scheduler"]),
        channels_last=recipe["model"]["channels_last"],
        recipe=recipe,
    )


def _build_scheduler(config: Mapping[str, Any]) -> dict[str, Any]:
    factory = config["factory"]
    made = None if factory is None else build("scheduler.factory", factory)
    return {**config, "factory": made}
