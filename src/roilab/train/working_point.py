"""Choose the mask threshold at the end of a training; write it into the checkpoints."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from roilab.data import RoiDataModule, RoiDataset, TrainingItem
from roilab.inference import (
    WorkingPoint,
    WorkingPointRule,
    choose_working_point,
    read_checkpoint,
    scan_thresholds,
)
from roilab.inference.checkpoint import WORKING_POINT
from roilab.inference.rois import NanProbabilityError
from roilab.metrics import ThresholdScan
from roilab.train.callbacks.pictures import predict
from roilab.train.checkpoint import AtomicCheckpoints, best_checkpoint
from roilab.train.module import RoiModule
from roilab.train.save_last import SaveLast
from roilab.types import Frame

log = logging.getLogger(__name__)


class ChooseMaskThreshold(Callback):
    """Choose the mask threshold of the best checkpoint, before its validation.

    So the metrics and pictures of that validation hold at the chosen threshold. Processes share
    the images; the first decides.

    Args:
        rule: what decides.
    """

    def __init__(self, rule: WorkingPointRule) -> None:
        self.rule = rule

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Choose, in the validation after the training only."""
        if trainer.state.fn != TrainerFn.VALIDATING:
            return
        assert isinstance(pl_module, RoiModule)
        point = trainer.strategy.broadcast(self._choose(trainer, pl_module))
        pl_module.working_point = point
        if point.note and trainer.is_global_zero:
            log.warning("mask_thresh: %s.", point.note)

    def _choose(self, trainer: Trainer, module: RoiModule) -> WorkingPoint:
        kept, data = WorkingPoint.at_start(module.recipe), trainer.datamodule  # type: ignore[attr-defined]
        images = data.dataset("val") if isinstance(data, RoiDataModule) else None
        if not isinstance(images, RoiDataset):
            return _kept(kept, "the data module has no images with truth charge")
        indices = self._indices(trainer, data, len(images))

        def probability(item: TrainingItem) -> Frame:
            return predict(module, item)

        share = indices[trainer.global_rank :: trainer.world_size]
        scan: ThresholdScan | None = None
        try:
            scan = scan_thresholds(probability, images, share, self.rule.scan)
        except NanProbabilityError:
            log.debug("no threshold is chosen", exc_info=True)
        # All processes give up together: the others would wait for the sums of this one.
        if trainer.strategy.reduce_boolean_decision(scan is None, all=False) or scan is None:
            return _kept(kept, "the network returns NaN")
        if trainer.world_size > 1:
            scan.to(module.device)  # where processes exchange their sums
        rows = scan.rows()
        return choose_working_point(rows, self.rule, kept.mask_thresh, _epoch(trainer))

    def _indices(self, trainer: Trainer, data: RoiDataModule, n_images: int) -> Sequence[int]:
        """Return the images to scan: no more than the validation takes."""
        batches: Any = trainer.num_val_batches
        count = sum(batches) if isinstance(batches, list) else batches
        validated = int(count) * data.settings.val_batch_size * trainer.world_size
        return self.rule.indices(min(n_images, validated))


def no_validation(module: RoiModule) -> WorkingPoint:
    """Return the working point of a module whose training ends without validation images."""
    return _kept(WorkingPoint.at_start(module.recipe), "there are no validation images")


def _kept(point: WorkingPoint, why: str) -> WorkingPoint:
    return replace(point, note=f"not chosen: {why}; it stays {point.mask_thresh:g}")


def _epoch(trainer: Trainer) -> int:
    """Return the epoch, from 0, of the weights that are validated."""
    best = best_checkpoint(trainer)
    return trainer.current_epoch if best is None else int(read_checkpoint(best)["epoch"])


def store_working_point(trainer: Trainer, module: RoiModule) -> None:
    """Write the working point into the best and the last checkpoint, where theirs is another.

    Raises:
        DiskFullError: no space is left.
    """
    point = module.working_point.plain()
    for path in _checkpoints(trainer):
        if read_checkpoint(path).get(WORKING_POINT) != point:
            write_working_point(path, module.working_point)


def _checkpoints(trainer: Trainer) -> list[Path]:
    """Return the best and the last checkpoint, where they exist."""
    lasts = [c.path for c in trainer.callbacks if isinstance(c, SaveLast)]  # type: ignore[attr-defined]
    paths = [best_checkpoint(trainer), *lasts]
    return [path for path in paths if path is not None and path.is_file()]


def write_working_point(path: Path, point: WorkingPoint) -> None:
    """Write a working point into a checkpoint, whose other contents stay as they are.

    Raises:
        DiskFullError: no space is left; the checkpoint is unchanged.
    """
    checkpoint: dict[str, Any] = read_checkpoint(path)
    AtomicCheckpoints().save_checkpoint({**checkpoint, WORKING_POINT: point.plain()}, path)
