"""Lightning callback: charge metrics on samples during a training."""

import logging
import time
from pathlib import Path

import torch
from lightning import Callback, Trainer
from lightning.pytorch import LightningModule
from lightning.pytorch.trainer.states import TrainerFn

from roilab.atomic_write import write_csv
from roilab.data import RoiDataModule
from roilab.evaluate.evaluator import Evaluator
from roilab.evaluate.figures import save_figures
from roilab.evaluate.methods import Dnn, Gauss, Method, dnn, ideal
from roilab.evaluate.sample import SampleImage, few_of_each, read_sample
from roilab.evaluate.settings import EvaluationError, PhysicsSettings
from roilab.inference import Network, NetworkSpec
from roilab.inference.metadata import network_name
from roilab.inference.rois import NanProbabilityError
from roilab.train.loggers import Picture, Table, content_loggers, log_numbers
from roilab.train.loggers.content import angle_charts, mean_numbers
from roilab.train.module import RoiModule
from roilab.types import Row

log = logging.getLogger(__name__)


class PhysicsMetrics(Callback):
    """Evaluate the network on samples, every few epochs and with the best checkpoint.

    The samples are those of the data module (``data.samples``), on its planes; without any
    the callback does nothing. Nothing is chosen on them. Processes share the images and sum their
    metrics.

    Args:
        output_dir: folder of the tables, and of the figures of the best checkpoint.
        every_n_epochs: 0 for the best checkpoint only.
        images_per_angle: most images of every plane, angle and energy, which bounds the time;
            ``None`` for all.
        physics: definition of the charge metrics.
    """

    def __init__(
        self,
        output_dir: str,
        every_n_epochs: int,
        images_per_angle: int | None,
        physics: PhysicsSettings,
    ) -> None:
        self.output_dir, self.every_n_epochs = Path(output_dir), every_n_epochs
        self.images_per_angle, self.physics = images_per_angle, physics
        self._images: list[SampleImage] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check before the training that the samples can be evaluated after it."""
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        if data.samples and not self._images:
            self._images = self._list(data, self._evaluator(trainer, pl_module).tags)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Evaluate in every n-th epoch and after the training."""
        turn = self.every_n_epochs and (trainer.current_epoch + 1) % self.every_n_epochs == 0
        best = trainer.state.fn == TrainerFn.VALIDATING
        if not self._images or trainer.sanity_checking or not (turn or best):
            return
        began = time.perf_counter()
        evaluator = self._evaluator(trainer, pl_module)
        share = slice(trainer.global_rank, None, trainer.world_size)
        try:
            groups = evaluator(self._images, share, pl_module.device)
        except NanProbabilityError as error:
            log.warning("no physics metrics of epoch %d: %s", trainer.current_epoch, error)
            return
        if not trainer.is_global_zero:
            return
        rows = [row for group in groups for row in group]
        when = "best" if best else f"epoch{trainer.current_epoch:03d}"
        log.info(
            "physics metrics of %s on %d images: %.1f s (%s)",
            when,
            len(self._images),
            time.perf_counter() - began,
            ", ".join(f"{name} {seconds:.1f} s" for name, seconds in evaluator.seconds.items()),
        )
        write_csv(self.output_dir / f"{when}.csv", [{"when": when, **row} for row in rows])
        figures = self._draw(pl_module, rows) if best else []
        _log(trainer, rows, figures)

    def _evaluator(self, trainer: Trainer, pl_module: LightningModule) -> Evaluator:
        assert isinstance(pl_module, RoiModule)
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        spec, physics = _spec(pl_module, data), self.physics

        @torch.no_grad()
        def probability(image: torch.Tensor) -> torch.Tensor:
            with trainer.precision_plugin.forward_context():
                logits = pl_module(image.to(pl_module.device))
            return torch.sigmoid(logits.float()).cpu()

        perfect = ideal(physics, spec.rebin, spec.threshold, spec.pad, spec.pad_unit)
        methods: list[Method] = [dnn(physics, spec), Gauss(physics.gauss), perfect]
        network = Network.in_node(network_name(pl_module.recipe), probability, spec, physics)
        return Evaluator(methods, physics, data.settings.readout, network)

    def _list(self, data: RoiDataModule, tags: tuple[str, ...]) -> list[SampleImage]:
        if data.settings.channel_rebin != 1:
            raise EvaluationError(
                f"data.channel_rebin={data.settings.channel_rebin} with samples; WCT's node "
                "averages over ticks alone. Set callbacks.physics_metrics=null, or rebin by 1."
            )
        readout, planes = data.settings.readout, tuple(data.settings.planes)
        folders = data.samples
        images = [i for folder in folders for i in read_sample(folder, readout, tags, planes)]
        if not images:
            raise EvaluationError(
                f"data.samples={[str(folder) for folder in folders]} have nothing on plane "
                f"{', '.join(planes)}; name other samples, or none."
            )
        return few_of_each(images, self.images_per_angle)

    def _draw(self, module: LightningModule, rows: list[Row]) -> list[Path]:
        assert isinstance(module, RoiModule)
        name = network_name(module.recipe)
        return save_figures({"table": rows}, module.mask_thresh, name, self.output_dir)


def _spec(module: RoiModule, data: RoiDataModule) -> NetworkSpec:
    settings = data.settings
    return NetworkSpec(
        layers=tuple(settings.layers),
        planes=tuple(settings.planes),
        rebin=settings.rebin,
        input_scale=settings.layer_scale,
        mask_thresh=module.mask_thresh,
        threshold=settings.threshold,
        pad=settings.pad,
        pad_unit=settings.pad_unit,
    )


def _log(trainer: Trainer, rows: list[Row], figures: list[Path]) -> None:
    """Log curves against angle, all rows, means over the angles, and figures."""
    epoch = trainer.current_epoch
    log_numbers(trainer, mean_numbers(rows, Dnn.name))
    for logger in content_loggers(trainer):
        for chart in angle_charts(rows):
            logger.log_angles(chart, epoch)
        logger.log_rows(Table("physics/table", rows), epoch)
        for path in figures:
            logger.log_picture(Picture(f"figures/{path.stem}", path, path.stem), epoch)
