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

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from roilab.detectors import Readout
from roilab.evaluate.settings import PhysicsSettings
from roilab.frames import truth_beside
from roilab.inference import (
    Network,
    NetworkOutputError,
    NetworkSpecError,
    Plane,
    PlaneReader,
    open_network,
)
from roilab.inference import network_spec as spec_of
from roilab.metrics import charge_windows, to_columns
from roilab.notebook.compose import compose, group_files, plain
from roilab.notebook.errors import ApiError, expected_names
from roilab.object_table import object_html, object_text
from roilab.types import Frame

__all__ = ["ApiError", "Frames", "charge_metrics", "load", "open"]

_SHOWN = 8  # events that a table of a file lists


class Frames(PlaneReader):
    """Frames of a reconstruction file and, where given, its truth file."""

    @property
    def events(self) -> tuple[int, ...]:
        """Event ids."""
        return self.rec.events

    def plane(self, plane: str, event: int | None = None, apa: int | None = None) -> Plane:
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
        return object_text(self, self._facts())

    def _repr_html_(self) -> str:
        return object_html(self, self._facts())

    def _facts(self) -> dict[str, object]:
        events = self.events
        shown = [str(event) for event in events[:_SHOWN]] + ["..."] * (len(events) > _SHOWN)
        tags = self.rec.tags(events[0]) if events else ()
        return {
            "file": self.rec.path,
            "truth": "none" if self.tru is None else self.tru.path,
            "events": f"{len(events)} ({' '.join(shown)})",
            "tags": " ".join(tags),
            "planes": " ".join(self.readout.ranges),
        }


def open(
    path: str | Path,
    detector: str | Mapping[str, Any],
    truth: str | Path | Literal[False] | None = None,
) -> Frames:
    """Open a frame file, such as ``g4-rec-0.h5``.

    It is closed by ``close()``, at the end of a ``with`` block, or when it is no longer used.

    Args:
        path: reconstruction file, HDF5 or numpy archive.
        detector: name of a file in ``conf/detector``, such as ``pdhd``; or a mapping with
            ``channels`` of ``u``, ``v`` and ``w`` and ``nticks``.
        truth: truth file of the same events; ``None`` for the one beside it (``g4-tru-0.h5`` for
            ``g4-rec-0.h5``), where there is one; ``False`` for no truth.

    Raises:
        RoilabError: (its subclasses) a file cannot be read, or there is no such detector.
    """
    known = group_files("detector")
    if isinstance(detector, str) and detector not in known:
        raise ApiError(f"detector='{detector}'; expected one of {', '.join(known)}, or a mapping.")
    data = _data(detector if isinstance(detector, str) else known[0])
    if not isinstance(detector, str):
        data["detector"] = detector
    rec, tru = Path(path), None
    if truth is None:
        tru = truth_beside(rec)
    elif truth is not False:
        tru = Path(truth)
    return Frames(rec, tru, Readout.from_config(data))


def load(
    network: str | Path,
    *,
    mask_thresh: float | None = None,
    device: str = "auto",
    **network_spec: Any,
) -> Network:
    """Load a network as WCT's node runs it; ``network(plane)`` finds the ROIs of a plane.

    Args:
        network: checkpoint or TorchScript file; or the folder of a run, for its best checkpoint,
            or of an export, for its ``model.ts``.
        mask_thresh: on the ROI probability; ``None`` for that of the file.
        device: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.
        **network_spec: keys of ``conf/network_spec``, for a TorchScript file that does not
            describe its input: ``layers=["loose_lf", "mp2_roi", "mp3_roi"], rebin=10``.

    Raises:
        RoilabError: (its subclasses) the file is absent or damaged, its input is not known, or it
            returns no ROI probability.
    """
    file = open_network(str(network))
    config = compose("evaluate", ["sample=none"])
    given = {**plain(config.network_spec), "mask_thresh": mask_thresh}
    for key in network_spec:
        if key not in given:
            raise ApiError(f"load has no argument '{key}'; {expected_names(key, given)}")
    data = file.data or _data(group_files("detector")[0])
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


def _data(detector: str) -> dict[str, Any]:
    """Return the data config with the defaults of ``conf/data``."""
    return plain(compose("train", ["data=base", f"detector={detector}", "data.dir=."]).data)


def _physics(config: DictConfig) -> PhysicsSettings:
    physics: PhysicsSettings = instantiate(plain(config.physics))
    return physics
