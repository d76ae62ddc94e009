"""Functions for notebooks: read a plane, find its ROIs, compare charge with truth.

    import roilab

    with roilab.open("g4-rec-0.h5", detector="pdhd", truth="g4-tru-0.h5") as frames:
        plane = frames.read_plane("V", event=100)
    network = roilab.load("best.ckpt")
    rois = roilab.find_rois(network, plane)
    roilab.charge_metrics(rois.charge, plane.truth)

All defaults are those of ``conf/``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from roilab.building import build
from roilab.detectors import Readout
from roilab.entry_point import config_dir
from roilab.errors import RoilabError
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import (
    Network,
    Plane,
    PlaneReader,
    find_rois,
    network_spec,
    open_network,
)
from roilab.metrics import charge_windows, to_columns
from roilab.types import Frame

__all__ = ["ApiError", "Frames", "charge_metrics", "find_rois", "load", "open"]


class ApiError(RoilabError):
    """An argument of a function of the public API does not fit."""


class Frames(PlaneReader):
    """Frames of a reconstruction file and, where given, its truth file."""

    @property
    def events(self) -> tuple[int, ...]:
        """Event ids."""
        return self.rec.events

    def read_plane(self, plane: str, event: int | None = None, apa: int | None = None) -> Plane:
        """Read all tags and the truth of one plane.

        Args:
            plane: ``U``, ``V`` or ``W``.
            event: id; ``None`` for the first.
            apa: number of the anode; ``None`` for the first.

        Returns:
            Frames (channel, tick) [electrons/tick], by tag without APA number in ``tags``, and in
            ``truth``; ranges in ``channels`` (ids) and ``ticks``.

        Raises:
            RoilabError: (its subclasses) there is no such event or plane, or a file is damaged.
        """
        number = self.events[0] if event is None and self.events else event
        if number not in self.events:
            raise ApiError(f"{self.rec.path}: no event {number}; it has {list(self.events)[:8]}.")
        return self.read(number, None if apa is None else str(apa), plane)

    def __repr__(self) -> str:
        planes = " ".join(self.readout.ranges)
        return f"Frames('{self.rec.path}', {len(self.events)} events, planes {planes})"


def open(
    path: str | Path, detector: str | Mapping[str, Any], truth: str | Path | None = None
) -> Frames:
    """Open a frame file, such as ``g4-rec-0.h5``; use it in a ``with`` block.

    Args:
        path: reconstruction file, HDF5 or numpy archive.
        detector: name of a file in ``conf/detector``, such as ``pdhd``; or a mapping with
            ``channels`` of ``u``, ``v`` and ``w`` and ``nticks``.
        truth: truth file of the same events.

    Raises:
        RoilabError: (its subclasses) a file cannot be read, or there is no such detector.
    """
    known = sorted(file.stem for file in (config_dir() / "detector").glob("*.yaml"))
    if isinstance(detector, str) and detector not in known:
        raise ApiError(f"detector='{detector}'; expected one of {', '.join(known)}, or a mapping.")
    name = detector if isinstance(detector, str) else known[0]
    data = _compose("train", ["data=base", f"detector={name}", "data.dir=."])["data"]
    if not isinstance(detector, str):
        data["detector"] = detector
    return Frames(Path(path), None if truth is None else Path(truth), Readout.from_config(data))


def load(network: str | Path, *, mask_thresh: float | None = None, device: str = "auto") -> Network:
    """Load a network as WCT's node runs it; ``find_rois`` applies it to a plane.

    Args:
        network: checkpoint or TorchScript file of roilab.
        mask_thresh: on the ROI probability; ``None`` for that of the file.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.

    Raises:
        RoilabError: (its subclasses) the file is absent, damaged or has no metadata.
    """
    file = open_network(str(network))
    config = _compose("evaluate", ["sample=none"])
    given = {**config["network_spec"], "mask_thresh": mask_thresh}
    return file.network(network_spec(file, given, file.data), _physics(config), device)


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
    physics = _physics(_compose("evaluate", ["sample=none"]))
    windows = charge_windows(truth, physics.window, physics.margin)
    metrics = physics.charge_metrics()
    metrics.update(*(torch.from_numpy(windows.charge(frame)) for frame in (charge, truth)), 0)
    return to_columns(metrics.compute())


def _physics(config: dict[str, Any]) -> PhysicsSettings:
    physics: PhysicsSettings = build("physics", config["physics"])
    return physics


def _compose(command: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Compose the configuration of a command, also inside a Hydra application."""
    saved = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            config = compose(command, [*overrides, "output_dir=none", "run_dir=none"])
        return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]
    finally:
        GlobalHydra.instance().hydra = saved
