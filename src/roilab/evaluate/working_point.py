"""Choose the mask threshold on validation events, which are in no sample."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from roilab.building import build
from roilab.data import RoiDataModule, SimulatedDataModule, TrainingItem
from roilab.evaluate.settings import EvaluationError
from roilab.inference import (
    NetworkFile,
    NetworkSpec,
    WorkingPointRule,
    choose_working_point,
    instantiate_trusted,
    network_spec,
    scan_thresholds,
)
from roilab.inference.trusted import DATA, DATA_PATHS
from roilab.inference.working_point import CHOOSE
from roilab.types import Frame, Row

log = logging.getLogger(__name__)

# What SimulatedDataModule has beyond RoiDataModule: a file never causes a simulation.
_SIMULATED = ("simulation", "simulated_samples")


def working_point(
    plain: Mapping[str, Any], file: NetworkFile, data: Mapping[str, Any]
) -> tuple[NetworkSpec, list[Row]]:
    """Return the network's spec with its mask threshold, and the scan of validation events.

    With ``network_spec.mask_thresh=choose`` the threshold is chosen as at the end of a training.

    Args:
        plain: the command's configuration.
        file: the network.
        data: the data config.

    Raises:
        RoilabError: (its subclasses) there are no validation events, or the network returns NaN.
    """
    given = dict(plain["network_spec"])
    choose = given["mask_thresh"] == CHOOSE and file.module is not None
    if choose:
        given["mask_thresh"] = None
    spec = network_spec(file, given, data)
    if not choose:
        return spec, []
    if not data.get("dir"):
        raise EvaluationError(
            "network_spec.mask_thresh=choose needs validation events; give data.dir (and "
            "data.val_files) of cosmic events."
        )
    apply = file.probability(spec, plain["device"])

    def probability(item: TrainingItem) -> Frame:
        found: Frame = apply(item["image"][None])[0, 0].numpy()
        return found

    origin = file.path if plain.get("data") is None else None
    images = validation_events(data, spec, origin, plain["trust"]).dataset("val")
    rule = WorkingPointRule(**plain["working_point"])
    rows = scan_thresholds(probability, images, rule.indices(len(images)), rule.scan).rows()
    point = choose_working_point(rows, rule, spec.mask_thresh)
    if point.note:
        log.warning("%s: mask_thresh: %s.", file.name, point.note)
    log.info("%s", point)
    return replace(spec, mask_thresh=point.mask_thresh), rows


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
