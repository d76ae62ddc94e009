"""The mask threshold, chosen on validation events that no judged sample has a part in."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.utils import instantiate

from roilab.data import RoiDataModule
from roilab.evaluate.settings import EvaluationError
from roilab.inference.network import Network
from roilab.metrics import segmentation_metrics

log = logging.getLogger(__name__)
Row = dict[str, Any]


def validation_events(data: Mapping[str, Any], network: Network) -> RoiDataModule:
    """The data module of a data config, as the network wants its images.

    The split into training and validation events is that of the config, so with a checkpoint's
    own config it is that of its training.
    """
    recipe = network.recipe
    module: RoiDataModule = instantiate(
        data,
        layers=list(recipe.layers),
        rebin=recipe.rebin,
        channel_rebin=1,
        samples=[],
        cache=None,
        normalization="scalar",
        input_scale=recipe.input_scale,
        threshold=recipe.threshold,
        pad=recipe.pad,
        pad_unit=recipe.pad_unit,
    )
    module.setup()
    return module


def scan_validation(
    network: Network, module: RoiDataModule, thresholds: Sequence[float]
) -> list[Row]:
    """Pixel and ROI metrics of the validation events for every mask threshold.

    They are against the truth mask that the network learned, slice by slice.
    """
    dataset = module.dataset("val")
    metrics = [segmentation_metrics() for _ in thresholds]
    for index in range(len(dataset)):
        sample = dataset[index]
        probability = network.probability(sample["image"][None])[0]
        truth = sample["truth_mask"] > 0
        for threshold, metric in zip(thresholds, metrics, strict=True):
            metric.update(probability > threshold, truth)
    rows = []
    for threshold, metric in zip(thresholds, metrics, strict=True):
        values = {name: float(value) for name, value in metric.compute().items()}
        rows.append({"mask_thresh": threshold, "events": len(dataset), **values})
    return rows


def best_threshold(rows: Sequence[Row], by: str, min_roi_purity: float) -> float:
    """The threshold at which a metric is largest, among those with enough ROI purity.

    Args:
        rows: as ``scan_validation`` makes them.
        by: the metric.
        min_roi_purity: least ROI purity.

    Raises:
        EvaluationError: there is nothing to choose from, no such metric, or it is undefined.
    """
    if not rows:
        raise EvaluationError(
            "network_spec.mask_thresh=choose has no threshold to choose; give scan=[]."
        )
    names = [name for name in rows[0] if name not in ("mask_thresh", "events")]
    if by not in names:
        raise EvaluationError(f"choose.by: got '{by}'; expected one of {', '.join(names)}.")
    able = [row for row in rows if not math.isnan(row[by]) and row["roi_purity"] >= min_roi_purity]
    if not able:
        purest = max((row["roi_purity"] for row in rows), default=math.nan)
        raise EvaluationError(
            f"choose.by={by}, choose.min_roi_purity={min_roi_purity:g}: no mask threshold will do "
            f"(ROI purity reaches {purest:.3f}) on the validation events. Ask for less purity, or "
            "name events with truth above data.threshold (data.dir, data.val_files)."
        )
    best = max(able, key=lambda row: row[by])
    chosen = float(best["mask_thresh"])
    log.info(
        "mask_thresh %g: largest %s (%.4f) on %d validation events",
        chosen,
        by,
        best[by],
        best["events"],
    )
    return chosen
