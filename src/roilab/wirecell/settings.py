"""Settings of WCT's node DNNROIFinding, under the names of WCT."""

from dataclasses import dataclass

from roilab.errors import RoilabError


class NodeSettingsError(RoilabError):
    """Settings with which the node cannot run."""


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """Settings of DNNROIFinding that change numbers.

    Its other settings choose tags and channels, or (``sparcify``) the storage of the result.
    """

    tick_per_slice: int  # roilab's ``rebin``
    tick_pad_multiple: int  # the network's ticks are a multiple of it; 0 for ``tick_per_slice``
    nchunks: int  # chunks into which an image is split along its channels
    input_scale: float  # factor on the charge of the input tags
    input_offset: float  # added after ``input_scale``
    mask_thresh: float  # a pixel is in the ROI mask where its probability is above
    output_scale: float  # factor on the charge of the ROIs
    output_offset: float  # added after ``output_scale``, outside ROIs too
    save_negative_charge: bool  # keep negative charge; otherwise it becomes 0

    def __post_init__(self) -> None:
        if self.tick_per_slice < 1 or self.nchunks < 1:
            raise NodeSettingsError(
                f"tick_per_slice={self.tick_per_slice}, nchunks={self.nchunks}; expected at least "
                "1 of both."
            )
        if self.tick_pad_multiple < 0 or self.tick_pad_multiple % self.tick_per_slice:
            raise NodeSettingsError(
                f"tick_pad_multiple={self.tick_pad_multiple} is no multiple of tick_per_slice="
                f"{self.tick_per_slice}, so a slice would be cut; choose a multiple, or 0 for "
                "tick_per_slice itself."
            )

    @property
    def pad_multiple(self) -> int:
        """Number of which the network's ticks are a multiple."""
        return self.tick_pad_multiple or self.tick_per_slice
