"""What is judged, and how: the settings that evaluation and training share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torchmetrics import MetricCollection

from roilab.errors import RoilabError
from roilab.metrics import Window, charge_metrics
from roilab.wirecell import NodeSettings


class EvaluationError(RoilabError):
    """A network or sample cannot be judged."""


@dataclass(frozen=True, kw_only=True)
class PhysicsSettings:
    """How charge is judged; every attribute is a key of ``conf/physics``.

    Attributes:
        decon_charge: tag of the deconvolved charge, without APA number.
        gauss: tag of the classical ROIs' charge, without APA number.
        node: settings of WCT's node that the network does not fix.
        charge: what ``roilab.metrics.charge_metrics`` takes.
        window: ticks in which a channel's charge is summed, as ``charge_windows`` takes it.
        margin: of the window [ticks].
        profile_wires: most wires of a shower in its charge profile.
        truth_threshold: truth charge above which a tick is true in pixel and ROI metrics
            [electrons/tick]; the same for all networks, whatever they were trained on.
    """

    decon_charge: str
    gauss: str
    node: Mapping[str, Any]
    charge: Mapping[str, Any]
    window: Window
    margin: int
    profile_wires: int
    truth_threshold: float

    def __post_init__(self) -> None:
        if self.window not in ("truth", "channel"):
            raise EvaluationError(
                f"physics.window: got '{self.window}'; expected one of truth, channel."
            )

    def node_settings(
        self, rebin: int, input_scale: float, mask_thresh: float, **changed: Any
    ) -> NodeSettings:
        """The node's settings for a network."""
        fixed = {"tick_per_slice": rebin, "input_scale": input_scale, "mask_thresh": mask_thresh}
        return NodeSettings(**{**self.node, **fixed, **changed})

    def charge_metrics(self) -> MetricCollection:
        """New bias, resolution and inefficiency."""
        return charge_metrics(**self.charge)
