"""Readout of a detector: where its planes lie in frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roilab.types import Range


@dataclass(frozen=True)
class Readout:
    """Where planes lie in the frames of a detector.

    Attributes:
        ranges: half-open channel range of every plane, relative to the anode's first channel.
        channels_per_apa: difference between the first channel ids of two anodes.
        first_channel: id of the anode's first channel; ``None`` to find it from the file.
        tick_range: the node's first tick, and one past the last where a frame has no traces.
        truth: truth tags without APA number; the first that a file has is taken.
    """

    ranges: Mapping[str, Range]
    channels_per_apa: int
    first_channel: int | None
    tick_range: Range
    truth: tuple[str, ...]

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> "Readout":
        """Return the readout of a data config, with all planes of the detector."""
        ranges = {plane: (low, high) for plane, (low, high) in data["channel_ranges"].items()}
        if data["channel_range"] is not None:
            low, high = data["channel_range"]
            ranges[data["planes"][0]] = (low, high)
        begin, end = data["tick_range"]
        truth = tuple(data["truth"])
        return cls(ranges, data["channels_per_apa"], data["first_channel"], (begin, end), truth)
