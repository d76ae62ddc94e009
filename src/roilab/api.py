"""Functions for notebooks: read a plane, find its ROIs, compare charge with truth.

    import roilab

    frames = roilab.open("g4-rec-0.h5", detector="pdhd")
    plane = frames.plane(event=100, apa=1, plane="V")
    network = roilab.load("best.ckpt")
    roi = network(plane)
    roilab.charge_metrics(roi.charge, plane.truth)
    roi.save("g4-dnn-0.h5")

``roilab.notebook`` has the functions that simulate, train and plot. All defaults are those of
``conf/``.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from roilab.building import build
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import (
    Network,
    NetworkOutputError,
    NetworkSpecError,
    open_network,
)
from roilab.inference import network_spec as spec_of
from roilab.metrics import charge_windows, to_columns
from roilab.notebook.compose import compose, data_defaults, group_files, plain
from roilab.notebook.errors import ApiError, expected_names
from roilab.types import Frame

__all__ = ["ApiError", "charge_metrics", "load"]


def load(
    network: str | Path,
    *,
    mask_thresh: float | None = None,
    device: str = "auto",
    trust: Collection[str] = (),
    **network_spec: Any,
) -> Network:
    """Load a network as WCT's node runs it; ``network(plane)`` finds the ROIs of a plane.

    Args:
        network: name of a reference network, such as ``"pdhd"``; checkpoint or TorchScript file;
            or the folder of a run, for its best checkpoint, or of an export, for its ``model.ts``.
        mask_thresh: on the ROI probability; ``None`` for that of the file.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.
        trust: import paths of your networks that a checkpoint may name, such as
            ``mypackage.MyNet``.
        **network_spec: keys of ``conf/network_spec``, for a TorchScript file that does not
            describe its input: ``layers=["loose_lf", "mp2_roi", "mp3_roi"], rebin=10``.

    Raises:
        RoilabError: (its subclasses) the file is absent or damaged, its input is not known, or it
            returns no ROI probability.
    """
    file = open_network(network, trust)
    config = compose("evaluate", ["sample=none"])
    given = {**plain(config.network_spec), "mask_thresh": mask_thresh}
    for key in network_spec:
        if key not in given:
            raise ApiError(f"load has no argument '{key}'; {expected_names(key, given)}")
    data = file.data or data_defaults(group_files("detector")[0])
    try:
        spec = spec_of(file, {**given, **network_spec}, data)
        return file.network(spec, _physics(config), device)
    except (NetworkSpecError, NetworkOutputError) as error:
        # The message names keys of a command; here they are arguments.
        raise type(error)(str(error).replace("network_spec.", "")) from error


def charge_metrics(charge: Frame, truth: Frame) -> dict[str, float]:
    """Compare charge with truth charge, by the definitions of ``conf/physics``.

    Args:
        charge: in ROIs [electrons/tick], shape (channel, tick).
        truth: truth charge [electrons/tick], same shape.

    Returns:
        ``bias``, ``resolution`` and ``inefficiency`` [%], each with its bounds ``NAME_low`` and
        ``NAME_high``.
    """
    if charge.shape != truth.shape:
        raise ApiError(
            f"charge has the shape {charge.shape}, truth {truth.shape}; expected the same shape. "
            "Give both of one plane."
        )
    physics = _physics(compose("evaluate", ["sample=none"]))
    windows = charge_windows(truth, physics.window, physics.margin)
    metrics = physics.charge_metrics()
    metrics.update(*(torch.from_numpy(windows.charge(frame)) for frame in (charge, truth)), 0)
    return to_columns(metrics.compute())


def _physics(config: DictConfig) -> PhysicsSettings:
    physics: PhysicsSettings = build("physics", config.physics)
    return physics
