"""What is judged, and how: the settings that evaluation and training share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torchmetrics import MetricCollection

from roilab.data import ImageRecipe, PlaneSelection, RoiDataModule
from roilab.errors import RoilabError
from roilab.metrics import Window, charge_metrics
from roilab.wirecell import NodeSettings

Range = tuple[int, int]


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


@dataclass(frozen=True)
class Detector:
    """Where planes lie in the frames of a detector.

    Attributes:
        ranges: half-open channel range of every plane, relative to the anode's first channel.
        channels_per_apa: how far apart the ids of two anodes lie.
        first_channel: id of the anode's first channel; ``None`` to see from the file.
        tick_range: the node's first tick, and one past the last where a frame has no traces.
        truth: truth tags without APA number; the first that a file has is taken.
    """

    ranges: Mapping[str, Range]
    channels_per_apa: int
    first_channel: int | None
    tick_range: Range
    truth: tuple[str, ...]

    @classmethod
    def of_config(cls, data: Mapping[str, Any]) -> "Detector":
        """The detector of a data config, with all its planes."""
        ranges = {plane: (low, high) for plane, (low, high) in data["channel_ranges"].items()}
        if data["channel_range"] is not None:
            low, high = data["channel_range"]
            ranges[data["planes"][0]] = (low, high)
        begin, end = data["tick_range"]
        truth = tuple(data["truth"])
        return cls(ranges, data["channels_per_apa"], data["first_channel"], (begin, end), truth)

    @classmethod
    def of_datamodule(cls, data: RoiDataModule) -> "Detector":
        """The detector of a data module, with the planes it is trained on."""
        chosen, recipe = data.selection, data.recipe
        return cls(
            chosen.ranges,
            chosen.channels_per_apa,
            chosen.first_channel,
            recipe.tick_range,
            recipe.truth,
        )

    def selection(self, plane: str) -> PlaneSelection:
        """One plane of all anodes in a file."""
        ranges = {plane: self.ranges[plane]}
        return PlaneSelection(ranges, False, (), self.channels_per_apa, self.first_channel)

    def recipe(self, tags: tuple[str, ...], rebin: int) -> ImageRecipe:
        """What is read of a plane."""
        return ImageRecipe(tags, self.truth, self.tick_range, rebin)
