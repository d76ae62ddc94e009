"""The mask threshold, chosen on validation events that no judged sample has a part in."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from hydra.utils import instantiate

from roilab.data import RoiDataModule
from roilab.evaluation.network import Network
from roilab.evaluation.settings import EvaluationError
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
        judged_samples=[],
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


def best_threshold(rows: Sequence[Row], choose_by: str) -> float:
    """The threshold at which a metric is largest.

    Raises:
        EvaluationError: there is nothing to choose from, no such metric, or it is undefined.
    """
    if not rows:
        raise EvaluationError("recipe.mask_thresh=choose has no threshold to choose; give scan=[].")
    names = [name for name in rows[0] if name not in ("mask_thresh", "events")]
    if choose_by not in names:
        raise EvaluationError(f"choose_by: got '{choose_by}'; expected one of {', '.join(names)}.")
    defined = [row for row in rows if not torch.tensor(row[choose_by]).isnan()]
    if not defined:
        raise EvaluationError(
            f"choose_by={choose_by} is undefined at every mask threshold: the validation events "
            "have no truth above data.threshold. Name other events (data.dir, data.val_files)."
        )
    best = max(defined, key=lambda row: row[choose_by])
    chosen = float(best["mask_thresh"])
    log.info(
        "mask_thresh %g: largest %s (%.4f) on %d validation events",
        chosen,
        choose_by,
        best[choose_by],
        best["events"],
    )
    return chosen
