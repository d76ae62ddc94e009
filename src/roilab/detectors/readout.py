"""Readout of a detector: where its planes lie in frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from roilab.detectors.anode import Numbering
from roilab.detectors.detector import PLANE_NAMES
from roilab.detectors.errors import DetectorError
from roilab.types import IntArray, Range


@dataclass(frozen=True)
class Anode:
    """Channel ids of one anode; ranges are half-open."""

    planes: Mapping[str, Range]  # to read: all of a plane, or the part that the user named
    complete: tuple[Range, ...]  # all of U, V and W

    @property
    def channels(self) -> Range:
        """From the lowest to the highest channel."""
        return min(low for low, _ in self.complete), max(high for _, high in self.complete)

    def holds(self, ids: IntArray) -> bool:
        """Return whether all channel ids are of this anode."""
        inside = np.zeros(len(ids), dtype=bool)
        for low, high in self.complete:
            inside |= (ids >= low) & (ids < high)
        return bool(inside.all())


@dataclass(frozen=True)
class Readout:
    """Where planes lie in the frames of a detector."""

    ranges: Mapping[str, Range]  # half-open, of channels from the first of anode 0
    channels_per_apa: int  # difference between the first channel ids of two anodes
    first_channel: int | None  # id of the anode's first channel; None to find it from the file
    tick_range: Range  # half-open
    truth: tuple[str, ...]  # tags without APA number; the first that a file has is taken
    nticks: int  # of the detector's readout
    reader: Mapping[str, Any] | None = None  # of the frame files, see ``roilab.frames.open_frames``
    numbering: Numbering | None = None  # where planes do not follow each other
    counts: tuple[int, int, int] | None = None  # channels of U, V and W; None: those of ``ranges``

    @property
    def all_ticks(self) -> Range:
        """Ticks of the readout and of ``tick_range``, half-open."""
        return min(0, self.tick_range[0]), max(self.nticks, self.tick_range[1])

    @property
    def is_complete(self) -> bool:
        """Whether complete planes are read, as far as known: no part was named by the user."""
        if self.counts is None or self.first_channel is not None:
            return False
        sizes = [high - low for low, high in self.ranges.values()]
        return sizes == list(self.counts)

    def anodes(self, apa: str) -> tuple[Anode, ...]:
        """Return where the channels of an anode can be, likeliest first.

        Ids are global, or start as in anode 0, or follow each other from 0.

        ``apa`` is the number of the anode, as tags end; empty for none.
        """
        if self.first_channel is not None:
            return (self._anode(0, self.first_channel),)
        numbers = dict.fromkeys((int(apa or 0), 0))
        found = [self._anode(number, 0) for number in numbers]
        if self.numbering is not None:  # SPNG counts U, V and W one after the other
            found.append(self._consecutive())
        return tuple(found)

    def _consecutive(self) -> Anode:
        """Return an anode whose channels are counted from 0, U, V and W one after the other."""
        counts = self.counts or (0, 0, 0)
        complete = tuple(pairwise(accumulate(counts, initial=0)))
        old = self._anode(0, 0)
        planes = {}
        for name, (low, high) in old.planes.items():
            index = PLANE_NAMES.index(name.lower())
            shift = complete[index][0] - old.complete[index][0]
            planes[name] = (low + shift, high + shift)
        return Anode(planes, complete)

    def _anode(self, number: int, first: int) -> Anode:
        """Return an anode, with ids counted from ``first``."""
        if self.numbering is None:
            first += number * self.channels_per_apa
            planes = {name: (first + a, first + b) for name, (a, b) in self.ranges.items()}
            if self.counts is None:
                return Anode(planes, ((first, first + self.channels_per_apa),))
            edges = accumulate(self.counts, initial=first)
            return Anode(planes, tuple(pairwise(edges)))
        starts0, starts1 = self.numbering.of_anode(0), self.numbering.of_anode(number)
        shift = {
            name.upper(): first + b - a
            for name, a, b in zip(PLANE_NAMES, starts0, starts1, strict=True)
        }
        planes = {name: (shift[name] + a, shift[name] + b) for name, (a, b) in self.ranges.items()}
        counts = self.counts or (0, 0, 0)
        complete = [(first + a, first + a + n) for a, n in zip(starts1, counts, strict=True)]
        return Anode(planes, tuple(complete))

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> "Readout":
        """Return the readout of a data config (``conf/data``), with all planes of its detector.

        The channels of U come first, then V, then W, if the detector has no ``numbering``. Of the
        detector only this, the number of channels of every plane and the number of ticks are used.

        A key that is absent means the same as null.

        Raises:
            DetectorError: the config names no detector, or the detector lacks one of these.
        """
        detector = data.get("detector")
        counts, nticks = _channels_and_ticks(detector)
        numbering = _numbering(detector or {})
        edges = list(pairwise(accumulate(counts, initial=0)))
        if numbering is not None:
            starts = zip(numbering.of_anode(0), counts, strict=True)
            edges = [(start, start + count) for start, count in starts]
        ranges = {name.upper(): edge for name, edge in zip(PLANE_NAMES, edges, strict=True)}
        if (channel_range := data.get("channel_range")) is not None:
            low, high = channel_range
            ranges[data["planes"][0]] = (low, high)
        begin, end = data.get("tick_range") or (0, nticks)
        truth = tuple(data.get("truth") or ())
        where = (data.get("first_channel"), (begin, end), truth, nticks, data.get("reader"))
        return cls(ranges, sum(counts), *where, numbering, (counts[0], counts[1], counts[2]))


def readout_config(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a data config that ``Readout.from_config`` reads, as plain data.

    Without the reader of frame files: that is code, which a network's file must not name.
    """
    config = data.get("detector")
    counts, nticks = _channels_and_ticks(config)
    detector: dict[str, Any] = {
        name: {"channels": n} for name, n in zip(PLANE_NAMES, counts, strict=True)
    }
    if (numbering := _numbering(config or {})) is not None:
        first = [list(channels) for channels in numbering.first_channels]
        detector["numbering"] = {"period": numbering.period, "first_channels": first}
    keys = ("planes", "channel_range", "tick_range", "first_channel", "truth")
    return {"detector": {**detector, "nticks": nticks}, **{key: data.get(key) for key in keys}}


def _numbering(detector: Mapping[str, Any]) -> Numbering | None:
    """Return the numbering of a detector's config, if it has one."""
    config = detector.get("numbering")
    if config is None:
        return None
    try:
        first = tuple(tuple(int(one) for one in anode) for anode in config["first_channels"])
        return Numbering(int(config["period"]), first)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise DetectorError(
            f"detector.numbering: {error!r}; expected period, and first_channels as a list of "
            "three ids for every anode. Correct its file in conf/detector."
        ) from error


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
