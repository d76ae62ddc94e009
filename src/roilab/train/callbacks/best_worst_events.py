"""Pictures of the validation events with the best, median and worst ROI efficiency."""

import math
from pathlib import Path

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from roilab.atomic_write import write_csv
from roilab.data import RoiDataModule
from roilab.metrics import segmentation_metrics
from roilab.train.callbacks.pictures import draw_event, predict
from roilab.train.loggers import Picture, content_loggers
from roilab.train.module import RoiModule
from roilab.types import Row

_METRIC = "roi_efficiency"


class BestWorstEvents(Callback):
    """Draw the best, median and worst validation event by ROI efficiency of the best checkpoint.

    ``best_worst_events.csv`` in the same folder lists the metrics of all evaluated images, worst
    first. Images without truth have no efficiency and are left out. At most ``images`` images are
    evaluated, evenly spread over the validation images; this limits the time.
    """

    def __init__(self, output_dir: str, images: int) -> None:
        self.output_dir, self.images = Path(output_dir), images

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Evaluate and draw, in the validation after the training only."""
        if trainer.state.fn != TrainerFn.VALIDATING or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, RoiModule)
        data: RoiDataModule = trainer.datamodule  # type: ignore[attr-defined]
        rows = _evaluate(pl_module, data, self.images)
        if not rows:
            return
        for rank, row in _select(rows).items():
            name = f"{rank}-by-{_METRIC.replace('_', '-')}.png"
            title = f"{row['name']}, {rank} of {len(rows)}: ROI efficiency {row[_METRIC]:.3f}"
            path = self.output_dir / name
            _, event = draw_event(pl_module, data, row["index"], title, path)
            event.save(path.with_suffix(".npz"))  # the page of the run draws it anew
            row |= {"rank": rank, "picture": name}
            picture = Picture(f"ranked/{rank}", self.output_dir / name, title)
            for logger in content_loggers(trainer):
                logger.log_picture(picture, trainer.current_epoch)
        write_csv(self.output_dir / "best_worst_events.csv", rows)


def _evaluate(module: RoiModule, data: RoiDataModule, max_images: int) -> list[Row]:
    """Return the metrics of single validation images, worst first."""
    dataset = data.dataset("val")
    count = min(max_images, len(dataset))
    metrics = segmentation_metrics()
    for metric in metrics.values():
        # Only this process evaluates; waiting for the others to share counts would never end.
        metric.distributed_available_fn = lambda: False
    rows = []
    for index in (len(dataset) * n // count for n in range(count)):
        sample = dataset[index]
        roi_mask = torch.from_numpy(predict(module, sample) > module.mask_thresh)
        metrics.update(roi_mask[None], sample["truth_mask"] > 0)
        values = {name: float(value) for name, value in metrics.compute().items()}
        metrics.reset()
        if math.isfinite(values[_METRIC]):
            rows.append(
                {"rank": "", "picture": "", "index": index, "name": sample["name"], **values}
            )
    return sorted(rows, key=lambda row: (row[_METRIC], np.nan_to_num(row["dice"])))


def _select(rows: list[Row]) -> dict[str, Row]:
    """Return the best, median and worst row by rank; fewer if there are fewer rows."""
    selected = {"best": rows[-1]}
    if len(rows) > 2:
        selected["median"] = rows[len(rows) // 2]
    if len(rows) > 1:
        selected["worst"] = rows[0]
    return selected
