"""Settings of WCT's node DNNROIFinding, under the names of WCT."""

from dataclasses import dataclass

from roilab.errors import RoilabError


class NodeSettingsError(RoilabError):
    """Settings with which the node cannot run."""


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """Settings of DNNROIFinding that change numbers.

    Its other settings choose tags and channels, or (``sparcify``) the storage of the result.

    Attributes:
        tick_per_slice: ticks per slice (roilab's ``rebin``).
        tick_pad_multiple: the network's ticks are a multiple of it; 0 for ``tick_per_slice``.
        nchunks: number of chunks into which an image is split along its channels.
        input_scale: factor on the charge of the input tags.
        input_offset: added after ``input_scale``.
        mask_thresh: a pixel is in the ROI mask where its probability is above.
        output_scale: factor on the charge of the ROIs.
        output_offset: added after ``output_scale``, outside ROIs too.
        save_negative_charge: keep negative charge; otherwise it becomes 0.
    """

    tick_per_slice: int
    tick_pad_multiple: int
    nchunks: int
    input_scale: float
    input_offset: float
    mask_thresh: float
    output_scale: float
    output_offset: float
    save_negative_charge: bool

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
