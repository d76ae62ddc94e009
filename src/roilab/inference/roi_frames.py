"""Write the ROIs that a network found to frame files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from roilab.errors import RoilabError
from roilab.frames import FrameWriter
from roilab.types import Frame, Mask

if TYPE_CHECKING:
    from roilab.inference.rois import NetworkRois


class RoiFramesError(RoilabError):
    """ROIs cannot be written under these tags, or not to one file."""


@dataclass(frozen=True, kw_only=True)
class RoiFrames:
    """Tags and rows of ROIs in a frame file.

    Attributes:
        charge: tag of the charge in ROIs, without APA number; ``None`` for a file without it.
        mask: tag of the ROI mask, likewise; samples are 1 in ROIs and 0 outside.
        probability: tag of the ROI probability, likewise; every slice is repeated to its ticks.
        sparse: leave out channels that have nothing: no charge in ``charge``, no pixel above the
            mask threshold in ``mask`` and ``probability``.
    """

    charge: str | None
    mask: str | None
    probability: str | None
    sparse: bool

    def __post_init__(self) -> None:
        tags = [tag for tag in (self.charge, self.mask, self.probability) if tag is not None]
        if not tags or len(set(tags)) < len(tags) or any(not t or t[-1].isdigit() for t in tags):
            raise RoiFramesError(
                f"physics.roi_frames: charge={self.charge}, mask={self.mask}, probability="
                f"{self.probability}; expected different tags that do not end in a digit (the APA "
                "number follows), and at least one that is not null."
            )

    def write(self, writer: FrameWriter, planes: "Sequence[NetworkRois]") -> None:
        """Add the ROIs of planes of one anode in one event: one frame a tag, of all planes.

        A plane without deconvolved charge adds no charge.
        """
        charge = [(rois, rois.charge) for rois in planes if rois.charge is not None]
        self._add(writer, self.charge, [(rois, frame, frame) for rois, frame in charge])
        self._add(writer, self.mask, [(rois, rois.mask, rois.mask) for rois in planes])
        probability = [(rois, rois.probability_in_ticks(), rois.mask) for rois in planes]
        self._add(writer, self.probability, probability)

    def _add(
        self,
        writer: FrameWriter,
        tag: str | None,
        parts: "Sequence[tuple[NetworkRois, Frame | Mask, Frame | Mask]]",
    ) -> None:
        """Add one tag of several planes: ROIs, the frame, and the frame that chooses its rows."""
        if tag is None or not parts:
            return
        samples, channels = [], []
        for rois, frame, chooses in parts:
            rows = chooses.any(axis=1) if self.sparse else slice(None)
            samples.append(frame[rows].astype(np.float32, copy=False))
            channels.append(np.arange(*rois.location.channels)[rows])
        location = parts[0][0].location
        clock = (location.axis.start_ns, location.axis.tick_ns, location.ticks[0])
        name = f"{tag}{location.apa}"
        writer.add(location.event, name, np.concatenate(samples), np.concatenate(channels), *clock)
