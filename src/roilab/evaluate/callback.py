"""Bias, resolution, inefficiency and charge profile while a network learns."""

import logging
import math
import re
import time
from pathlib import Path

import torch
from lightning import Callback, Trainer
from lightning.pytorch import LightningModule
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.trainer.states import TrainerFn

from roilab.atomic_write import write_csv
from roilab.data import RoiDataModule
from roilab.evaluate.evaluator import Judge, Row
from roilab.evaluate.figures import save_figures
from roilab.evaluate.methods import Dnn, Gauss, Method, dnn, ideal
from roilab.evaluate.sample import JudgedImage, few_of_each, read_sample
from roilab.evaluate.settings import EvaluationError, PhysicsSettings
from roilab.inference.network import Network, NetworkRecipe
from roilab.train.module import RoiModule, network_name

log = logging.getLogger(__name__)


class PhysicsMetrics(Callback):
    """Judges the network on samples of known angle, every few epochs and with the best checkpoint.

    Processes share the images and sum what they find. The samples only watch: nothing is chosen
    by them.

    The samples are those of the data module (``data.samples``), on the planes it has;
    without any the callback does nothing.

    Args:
        dir: where tables (and figures with the best checkpoint) go.
        every_n_epochs: how often; 0 for the best checkpoint alone.
        images_per_angle: most images of every plane, angle and energy, which bounds the cost;
            ``None`` for all.
        physics: how charge is judged.
    """

    def __init__(
        self,
        dir: str,
        every_n_epochs: int,
        images_per_angle: int | None,
        physics: PhysicsSettings,
    ) -> None:
        self.dir, self.every_n_epochs = Path(dir), every_n_epochs
        self.images_per_angle, self.physics = images_per_angle, physics
        self._images: list[JudgedImage] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make sure before the training that the samples can be judged after it."""
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        if data.samples and not self._images:
            self._images = self._list(data, self._judge(trainer, pl_module).tags)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge, unless it is not the turn of this epoch."""
        turn = self.every_n_epochs and (trainer.current_epoch + 1) % self.every_n_epochs == 0
        best = trainer.state.fn == TrainerFn.VALIDATING
        if not self._images or trainer.sanity_checking or not (turn or best):
            return
        began = time.perf_counter()
        judge = self._judge(trainer, pl_module)
        share = slice(trainer.global_rank, None, trainer.world_size)
        rows = judge(self._images, share, pl_module.device)
        if not trainer.is_global_zero:
            return
        when = "best" if best else f"epoch{trainer.current_epoch:03d}"
        log.info(
            "physics metrics of %s on %d images: %.1f s (%s)",
            when,
            len(self._images),
            time.perf_counter() - began,
            ", ".join(f"{name} {seconds:.1f} s" for name, seconds in judge.seconds.items()),
        )
        write_csv(self.dir / f"{when}.csv", [{"when": when, **row} for row in rows])
        figures = self._draw(pl_module, rows) if best else []
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                _log_wandb(logger, rows, figures, when)

    def _judge(self, trainer: Trainer, pl_module: LightningModule) -> Judge:
        assert isinstance(pl_module, RoiModule)
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        recipe, physics = _recipe(pl_module, data), self.physics

        @torch.no_grad()
        def probability(image: torch.Tensor) -> torch.Tensor:
            with trainer.precision_plugin.forward_context():
                logits = pl_module(image.to(pl_module.device))
            return torch.sigmoid(logits.float()).cpu()

        own = ideal(physics, recipe.rebin, recipe.threshold, recipe.pad, recipe.pad_unit)
        methods: list[Method] = [dnn(physics, recipe), Gauss(physics.gauss), own]
        network = Network(network_name(pl_module.recipe), probability, recipe)
        return Judge(methods, physics, data.settings.readout, network)

    def _list(self, data: RoiDataModule, tags: tuple[str, ...]) -> list[JudgedImage]:
        if data.settings.channel_rebin != 1:
            raise EvaluationError(
                f"data.channel_rebin={data.settings.channel_rebin} with samples to judge; "
                "WCT's node averages over ticks alone. Set callbacks.physics_metrics=null, or "
                "rebin by 1."
            )
        detector = data.settings.readout
        planes = tuple(data.settings.planes)
        folders = data.samples
        images = [i for folder in folders for i in read_sample(folder, detector, tags, planes)]
        if not images:
            raise EvaluationError(
                f"data.samples={[str(folder) for folder in folders]} have nothing on plane "
                f"{', '.join(planes)}; name other samples, or none."
            )
        return few_of_each(images, self.images_per_angle)

    def _draw(self, module: LightningModule, rows: list[Row]) -> list[Path]:
        assert isinstance(module, RoiModule)
        name = network_name(module.recipe)
        return save_figures({"table": rows}, module.mask_thresh, name, self.dir)


def _recipe(module: RoiModule, data: RoiDataModule) -> NetworkRecipe:
    settings = data.settings
    return NetworkRecipe(
        layers=tuple(settings.layers),
        planes=tuple(settings.planes),
        rebin=settings.rebin,
        input_scale=settings.layer_scale,
        mask_thresh=module.mask_thresh,
        threshold=settings.threshold,
        pad=settings.pad,
        pad_unit=settings.pad_unit,
    )


def _log_wandb(logger: WandbLogger, rows: list[Row], figures: list[Path], when: str) -> None:
    """A table of all numbers, and the network's own as curves by plane and angle."""
    columns = list(rows[0])
    cells = [[row[column] for column in columns] for row in rows]
    logger.log_table(key=f"physics/{when}", columns=columns, data=cells)
    curves = {}
    for row in rows:
        if row["method"] == Dnn.name:
            energy = "" if row["energy"] is None else f"-{row['energy']:g}MeV"
            place = f"{row['sample']}-{row['plane']}{energy}-{row['theta_xz']:g}deg"
            for name in ("bias", "resolution", "inefficiency", "charge_profile", "roi_purity"):
                curves[f"physics/{name}/{re.sub(r'[^A-Za-z0-9.-]+', '_', place)}"] = row[name]
    logger.log_metrics({name: value for name, value in curves.items() if math.isfinite(value)})
    if figures:
        logger.log_image(key=f"physics/{when}-figures", images=[str(path) for path in figures])
