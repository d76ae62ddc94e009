"""Settings of the charge metrics, shared by evaluation and training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torchmetrics import MetricCollection

from roilab.config import read_part
from roilab.errors import RoilabError
from roilab.inference import NodeDefaults
from roilab.metrics import Window, charge_metrics


class EvaluationError(RoilabError):
    """A network or sample cannot be evaluated."""


@dataclass(frozen=True, kw_only=True)
class PhysicsSettings(NodeDefaults):
    """Definition of the charge metrics; every attribute is a key of ``conf/physics``.

    Attributes:
        gauss: tag of the classical ROIs' charge, without APA number.
        charge: arguments of ``roilab.metrics.charge_metrics``.
        window: ticks in which a channel's charge is summed, see ``charge_windows``.
        margin: of the window [ticks].
        profile_wires: largest number of wires in the charge profile of a shower.
        truth_threshold: truth charge above which a tick is true in pixel and ROI metrics
            [electrons/tick]; the same for all networks, whatever their truth mask was.
    """

    gauss: str
    charge: Mapping[str, Any]
    window: Window
    margin: int
    profile_wires: int
    truth_threshold: float

    def __post_init__(self) -> None:
        read_part("roilab.evaluate.settings.PhysicsSettings", vars(self), "physics")

    def charge_metrics(self) -> MetricCollection:
        """Return new metrics: bias, resolution and inefficiency."""
        return charge_metrics(**self.charge)
