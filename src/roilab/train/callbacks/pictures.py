"""Pictures of a training: validation events and loss curves."""

import re
from pathlib import Path

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.trainer.states import TrainerFn

from roilab.atomic_write import save_figure
from roilab.csv_log import read_curves
from roilab.data import RoiDataModule, TrainingItem
from roilab.event_image import EventImage
from roilab.plots import event_figure, loss_figure
from roilab.train.loggers import Event, content_loggers
from roilab.train.module import RoiModule
from roilab.types import Frame


class EventPictures(Callback):
    """Draw the first validation events every few epochs, and once for the best checkpoint."""

    def __init__(self, output_dir: str, events: int, every_n_epochs: int) -> None:
        self.output_dir, self.events = Path(output_dir), events
        self.every_n_epochs = every_n_epochs

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw, if this epoch is to be drawn or the best checkpoint is validated."""
        assert isinstance(pl_module, RoiModule)
        due = (trainer.current_epoch + 1) % self.every_n_epochs == 0
        best = trainer.state.fn == TrainerFn.VALIDATING
        if trainer.sanity_checking or not trainer.is_global_zero or not (due or best):
            return
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        label = "best" if best else f"epoch{trainer.current_epoch:03d}"
        dataset = data.dataset("val")
        for index in range(min(self.events, len(dataset))):
            name = dataset.sources[index].name
            path = self.output_dir / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}-{label}.png"
            event, _ = draw_event(pl_module, data, index, f"{name}, {label}", path)
            for logger in content_loggers(trainer):
                logger.log_event(event, trainer.current_epoch)


@torch.no_grad()
def predict(module: RoiModule, sample: TrainingItem) -> Frame:
    """Return the ROI probability (channel, slice) of an image, in the training's precision."""
    with module.trainer.precision_plugin.forward_context():
        logits = module(sample["image"][None].to(module.device))
    probability: Frame = logits.float().sigmoid()[0, 0].cpu().numpy()
    return probability


def draw_event(
    module: RoiModule, data: RoiDataModule, index: int, title: str, path: Path
) -> tuple[Event, EventImage]:
    """Draw a validation image: layers, ROI probability, ROI mask against truth, truth charge.

    A trainer must be attached to the module. Returns the event for the loggers, and all that is
    drawn.
    """
    dataset = data.dataset("val")
    sample, truth = dataset.with_charge(index)
    channels, spec = dataset.sources[index].channel_ranges, dataset.spec
    event = EventImage(
        layers=(sample["image"] / dataset.input_scale).numpy(),
        names=data.settings.layers,
        truth=truth[0].numpy(),
        truth_mask=np.asarray(sample["truth_mask"][0] > 0),
        probability=predict(module, sample),
        mask_thresh=module.mask_thresh,
        channels=channels[0] if len(channels) == 1 else None,
        ticks=(spec.tick_range[0], spec.tick_range[0] + truth.shape[-1] * spec.rebin),
    )
    save_figure(path, event_figure(event, title), dpi=110)
    masks = event.truth_mask, event.probability > event.mask_thresh
    return Event(sample["name"], sample["image"][0].numpy(), *masks, path, title), event


class LossCurves(Callback):
    """Draw losses and metrics against epoch from the CSV log, at the end of the training."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw, if there is a CSV log."""
        if not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            if isinstance(logger, CSVLogger):
                logger.save()
                save_figure(self.path, loss_figure(read_curves(Path(logger.root_dir))), dpi=110)
