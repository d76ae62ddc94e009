"""Which planes and frames of an event are simulated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roilab.detectors.detector import PLANE_NAMES

RECONSTRUCTION_TAGS = (
    *("orig", "raw", "decon_charge", "loose_lf", "tight_lf"),
    *("mp2_roi", "mp3_roi", "gauss", "wiener"),
)


@dataclass(frozen=True)
class Request:
    """The planes and frames that are asked for; steps that only others need are left out."""

    planes: tuple[int, ...] = (0, 1, 2)
    tags: tuple[str, ...] = RECONSTRUCTION_TAGS

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Request":
        """Return the request of the configuration group ``simulation``."""
        planes = [number for number, name in enumerate(PLANE_NAMES) if name in config["planes"]]
        return cls(tuple(planes), tuple(config["tags"]))

    @property
    def coincidence(self) -> bool:
        """Whether the coincidence is asked for, which compares all planes."""
        return "mp2_roi" in self.tags or "mp3_roi" in self.tags

    @property
    def needed_planes(self) -> tuple[int, ...]:
        """The planes whose signal processing is needed."""
        return (0, 1, 2) if self.coincidence else self.planes

    def needs_rois(self, plane: int) -> bool:
        """Return whether the ROIs of a plane are needed."""
        return self.coincidence or (plane in self.planes and self.needs_charge)

    @property
    def needs_charge(self) -> bool:
        """Whether charge inside of ROIs is asked for."""
        return "gauss" in self.tags or "wiener" in self.tags

    def deconvolved_frames(self, plane: int) -> tuple[str, ...]:
        """Return the names of the deconvolved frames of a plane that are needed."""
        names: dict[str, None] = {}
        if plane in self.planes:
            tags = [tag for tag in self.tags if tag in ("decon_charge", "loose_lf", "tight_lf")]
            names |= dict.fromkeys(tags)
            names |= dict.fromkeys(["decon_charge"] * ("gauss" in self.tags))
            names |= dict.fromkeys(["hits"] * ("wiener" in self.tags))
        if self.needs_rois(plane):
            names |= dict.fromkeys(("refine", "loose_lf", "tight_lf", "tighter_lf"))
        return tuple(names)


EVERYTHING = Request()
