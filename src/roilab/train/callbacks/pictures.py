"""Pictures a run leaves behind: events while it learns, losses at its end."""

import re
from pathlib import Path

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from lightning.pytorch.trainer.states import TrainerFn
from numpy.typing import NDArray

from roilab.atomic_write import save_figure
from roilab.csv_log import read_curves
from roilab.data import RoiDataModule, TrainingItem
from roilab.plots import event_figure, loss_figure
from roilab.train.module import RoiModule


class EventPictures(Callback):
    """Draws the first validation events, every few epochs and with the best checkpoint.

    Args:
        dir: where to.
        events: how many images to draw.
        every_n_epochs: how often.
    """

    def __init__(self, dir: str, events: int, every_n_epochs: int) -> None:
        self.dir, self.events, self.every_n_epochs = Path(dir), events, every_n_epochs

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw, unless it is not the turn of this epoch."""
        assert isinstance(pl_module, RoiModule)
        due = (trainer.current_epoch + 1) % self.every_n_epochs == 0
        best = trainer.state.fn == TrainerFn.VALIDATING
        if trainer.sanity_checking or not trainer.is_global_zero or not (due or best):
            return
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        when = "best" if best else f"epoch{trainer.current_epoch:03d}"
        dataset = data.dataset("val")
        paths = [
            self._draw(pl_module, data, index, when)
            for index in range(min(self.events, len(dataset)))
        ]
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image(key=f"events/{when}", images=[str(path) for path in paths])

    def _draw(self, module: RoiModule, data: RoiDataModule, index: int, when: str) -> Path:
        name = data.dataset("val").sources[index].name
        path = self.dir / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}-{when}.png"
        draw_event(module, data, index, f"{name}, {when}", path)
        return path


@torch.no_grad()
def predict(module: RoiModule, sample: TrainingItem) -> NDArray[np.float32]:
    """ROI probability of one image, shape (channel, slice), in the precision of the training."""
    with module.trainer.precision_plugin.forward_context():
        logits = module(sample["image"][None].to(module.device))
    probability: NDArray[np.float32] = logits.float().sigmoid()[0, 0].cpu().numpy()
    return probability


def draw_event(module: RoiModule, data: RoiDataModule, index: int, title: str, path: Path) -> None:
    """Draw a validation image: layers, probability, mask against truth.

    Args:
        module: in the hands of a trainer.
        data: whose validation images they are.
        index: of the image.
        title: of the figure.
        path: where to.
    """
    sample = data.dataset("val")[index]
    figure = event_figure(
        sample["image"].numpy(),
        np.asarray(sample["truth_mask"][0] > 0),
        predict(module, sample),
        data.settings.layers,
        module.mask_thresh,
        title,
    )
    save_figure(path, figure, dpi=110)


class LossCurves(Callback):
    """Draws losses and metrics against epoch from the CSV log, at the end of the fit.

    Args:
        path: of the picture.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw where there is a CSV log."""
        if not trainer.is_global_zero:
            return
        for logger in trainer.loggers:
            if isinstance(logger, CSVLogger):
                logger.save()
                save_figure(self.path, loss_figure(read_curves(Path(logger.root_dir))), dpi=110)
