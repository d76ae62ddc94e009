"""Choose the mask threshold on validation events, which are in no sample."""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from roilab.building import build
from roilab.data import RoiDataModule, SimulatedDataModule
from roilab.evaluate.settings import EvaluationError
from roilab.inference import NetworkSpec, instantiate_trusted
from roilab.inference.network import Probability
from roilab.inference.rois import check_probability
from roilab.inference.trusted import DATA, DATA_PATHS
from roilab.metrics import segmentation_metrics
from roilab.types import Row

log = logging.getLogger(__name__)

# What SimulatedDataModule has beyond RoiDataModule: a file never causes a simulation.
_SIMULATED = ("simulation", "simulated_samples")


def validation_events(
    data: Mapping[str, Any], spec: NetworkSpec, origin: Path | None, trust: Collection[str]
) -> RoiDataModule:
    """Return the data module of a data config, with the input and truth mask of a network.

    The split into training and validation events is that of the config, so a checkpoint's data
    config gives the split of its training.

    Args:
        data: the data config.
        spec: of the network.
        origin: the checkpoint that ``data`` comes from; ``None`` where the user chose it.
        trust: import paths of data modules of other packages that a checkpoint may name.

    Raises:
        UntrustedError: the checkpoint names another class.
    """
    replaced: dict[str, Any] = {
        "layers": list(spec.layers),
        "rebin": spec.rebin,
        "channel_rebin": 1,
        "samples": [],
        "cache": None,
        "normalization": "scalar",
        "input_scale": spec.input_scale,
        "threshold": spec.threshold,
        "pad": spec.pad,
        "pad_unit": spec.pad_unit,
    }
    module: RoiDataModule
    if origin is None:
        module = build("data", data, **replaced)
    else:
        data = {key: value for key, value in data.items() if key not in _SIMULATED}
        if data.get("_target_") == f"roilab.data.{SimulatedDataModule.__name__}":
            data["_target_"] = f"roilab.data.{RoiDataModule.__name__}"
        module = instantiate_trusted(data, DATA, origin, trust, paths=DATA_PATHS, **replaced)
    module.setup()
    return module


def scan_validation(
    probability: Probability, module: RoiDataModule, thresholds: Sequence[float]
) -> list[Row]:
    """Return pixel and ROI metrics of the validation events for every mask threshold.

    The truth is the network's truth mask, slice by slice.

    Args:
        probability: of the network.
        module: with the validation events.
        thresholds: on the probability.
    """
    dataset = module.dataset("val")
    metrics = [segmentation_metrics() for _ in thresholds]
    for index in range(len(dataset)):
        sample = dataset[index]
        pixels = probability(sample["image"][None])[0]
        check_probability(pixels.numpy(), "the network", sample["name"])
        truth = sample["truth_mask"] > 0
        for threshold, metric in zip(thresholds, metrics, strict=True):
            metric.update(pixels > threshold, truth)
    rows = []
    for threshold, metric in zip(thresholds, metrics, strict=True):
        values = {name: float(value) for name, value in metric.compute().items()}
        rows.append({"mask_thresh": threshold, "events": len(dataset), **values})
    return rows


def best_threshold(rows: Sequence[Row], by: str, min_roi_purity: float) -> float:
    """Return the threshold with the largest metric among those with enough ROI purity.

    Args:
        rows: of ``scan_validation``.
        by: name of the metric.
        min_roi_purity: smallest ROI purity allowed.

    Raises:
        EvaluationError: there is no threshold, no such metric, or the metric is undefined.
    """
    if not rows:
        raise EvaluationError(
            "network_spec.mask_thresh=choose has no threshold to choose from; list some in scan."
        )
    names = [name for name in rows[0] if name not in ("mask_thresh", "events")]
    if by not in names:
        raise EvaluationError(f"choose.by: got '{by}'; expected one of {', '.join(names)}.")
    able = [row for row in rows if not math.isnan(row[by]) and row["roi_purity"] >= min_roi_purity]
    if not able:
        purest = max((row["roi_purity"] for row in rows), default=math.nan)
        raise EvaluationError(
            f"choose.by={by}, choose.min_roi_purity={min_roi_purity:g}: no mask threshold "
            f"reaches that (ROI purity reaches {purest:.3f}) on the validation events. Ask for "
            "less purity, or name events with truth above data.threshold (data.dir, "
            "data.val_files)."
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
