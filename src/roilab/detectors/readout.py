"""Readout of a detector: where its planes lie in frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from roilab.detectors.detector import PLANE_NAMES
from roilab.detectors.errors import DetectorError
from roilab.types import Range


@dataclass(frozen=True)
class Readout:
    """Where planes lie in the frames of a detector."""

    ranges: Mapping[str, Range]  # half-open, of channels from the anode's first
    channels_per_apa: int  # difference between the first channel ids of two anodes
    first_channel: int | None  # id of the anode's first channel; None to find it from the file
    tick_range: Range  # half-open
    truth: tuple[str, ...]  # tags without APA number; the first that a file has is taken
    nticks: int  # of the detector's readout
    reader: Mapping[str, Any] | None = None  # of the frame files, see ``roilab.frames.open_frames``

    @property
    def all_ticks(self) -> Range:
        """Ticks of the readout and of ``tick_range``, half-open."""
        return min(0, self.tick_range[0]), max(self.nticks, self.tick_range[1])

    def anode(self, first_channel: int) -> Range:
        """Return the channel ids of an anode from its first, half-open."""
        return first_channel, first_channel + self.channels_per_apa

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> "Readout":
        """Return the readout of a data config (``conf/data``), with all planes of its detector.

        The channels of U come first, then V, then W. Of the detector only the number of channels
        of every plane and the number of ticks are used.

        A key that is absent means the same as null.

        Raises:
            DetectorError: the config names no detector, or the detector lacks one of these.
        """
        counts, nticks = _channels_and_ticks(data.get("detector"))
        edges = list(pairwise(accumulate(counts, initial=0)))
        ranges = {name.upper(): edge for name, edge in zip(PLANE_NAMES, edges, strict=True)}
        if (channel_range := data.get("channel_range")) is not None:
            low, high = channel_range
            ranges[data["planes"][0]] = (low, high)
        begin, end = data.get("tick_range") or (0, nticks)
        truth = tuple(data.get("truth") or ())
        where = (data.get("first_channel"), (begin, end), truth, nticks)
        return cls(ranges, sum(counts), *where, data.get("reader"))


def readout_config(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a data config that ``Readout.from_config`` reads, as plain data.

    Without the reader of frame files: that is code, which a network's file must not name.
    """
    counts, nticks = _channels_and_ticks(data.get("detector"))
    detector = {name: {"channels": n} for name, n in zip(PLANE_NAMES, counts, strict=True)}
    keys = ("planes", "channel_range", "tick_range", "first_channel", "truth")
    return {"detector": {**detector, "nticks": nticks}, **{key: data.get(key) for key in keys}}


def _channels_and_ticks(detector: Mapping[str, Any] | None) -> tuple[list[int], int]:
    """Return the number of channels of U, V and W, and the number of ticks."""
    if detector is None:
        raise DetectorError("No detector is given; choose one, such as detector=pdhd.")
    try:
        counts = [int(detector[name]["channels"]) for name in PLANE_NAMES]
        nticks = int(detector["nticks"])
    except (KeyError, TypeError, ValueError) as error:
        raise DetectorError(
            f"detector: {error!r}; expected u.channels, v.channels, w.channels and nticks as "
            "integers. Add what is missing to its file in conf/detector."
        ) from error
    if min(*counts, nticks) < 1:
        raise DetectorError(
            f"detector: {counts} channels in U, V and W and {nticks} ticks; expected at least 1 "
            "of each."
        )
    return counts, nticks
