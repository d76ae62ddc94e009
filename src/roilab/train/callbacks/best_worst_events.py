"""Which validation events a network does best and worst on."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.trainer.states import TrainerFn

from roilab.atomic_write import write_csv
from roilab.data import RoiDataModule
from roilab.metrics import segmentation_metrics
from roilab.train.callbacks.pictures import draw_event, predict
from roilab.train.module import RoiModule

_BY = "roi_efficiency"


class RankedEvents(Callback):
    """Draws the validation events of best, median and worst ROI efficiency, by the best checkpoint.

    ``ranked.csv`` beside the pictures has the metrics of all events looked at, worst first. An
    event without any truth has no efficiency and no place.

    Args:
        dir: where to.
        images: most images to look at, evenly over the validation events, which bounds the cost.
    """

    def __init__(self, dir: str, images: int) -> None:
        self.dir, self.images = Path(dir), images

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the events once training is over."""
        if trainer.state.fn != TrainerFn.VALIDATING or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, RoiModule)
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        rows = _ranked(pl_module, data, self.images)
        if not rows:
            return
        for rank, row in _places(rows).items():
            name = f"{rank}-by-{_BY.replace('_', '-')}.png"
            title = f"{row['name']}, {rank} of {len(rows)}: ROI efficiency {row[_BY]:.3f}"
            draw_event(pl_module, data, row["index"], title, self.dir / name)
            row |= {"rank": rank, "picture": name}
        write_csv(self.dir / "ranked.csv", rows)
        drawn = [str(self.dir / row["picture"]) for row in rows if row["picture"]]
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image(key="events/ranked", images=drawn)


def _ranked(module: RoiModule, data: RoiDataModule, most: int) -> list[dict[str, Any]]:
    """Metrics of single images, worst first."""
    dataset = data.dataset("val")
    count = min(most, len(dataset))
    metrics = segmentation_metrics()
    for metric in metrics.values():
        # Other processes look at nothing here, and would not answer.
        metric.distributed_available_fn = _alone
    rows = []
    for index in (len(dataset) * n // count for n in range(count)):
        sample = dataset[index]
        found = torch.from_numpy(predict(module, sample) > module.mask_thresh)
        metrics.update(found[None], sample["truth_mask"] > 0)
        values = {name: float(value) for name, value in metrics.compute().items()}
        metrics.reset()
        if math.isfinite(values[_BY]):
            rows.append(
                {"rank": "", "picture": "", "index": index, "name": sample["name"], **values}
            )
    return sorted(rows, key=lambda row: (row[_BY], np.nan_to_num(row["dice"])))


def _alone() -> bool:
    """What torchmetrics asks before it shares counts between processes."""
    return False


def _places(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Best, median and worst, as many as there are rows for, each row once."""
    places = {"best": rows[-1]}
    if len(rows) > 2:
        places["median"] = rows[len(rows) // 2]
    if len(rows) > 1:
        places["worst"] = rows[0]
    return places
