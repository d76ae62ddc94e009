"""One plane of one event, with everything its files hold of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from roilab.detectors import Readout
from roilab.display.settings import DisplayError, Range
from roilab.frames import (
    FrameFile,
    TagInfo,
    TickAxis,
    first_channel,
    match_events,
    open_frames,
    read_plane,
)

Frame = NDArray[np.float32]


@dataclass(frozen=True)
class PlaneEvent:
    """Frames of one plane on the reconstruction's ticks, each (channel, tick).

    Attributes:
        file: name of the reconstruction file.
        event: id.
        apa: number of the anode, as the tags end.
        plane: name.
        channels: half-open range of global channel ids.
        ticks: half-open range on ``axis``.
        axis: of the reconstruction.
        tags: frames of the reconstruction, by tag without APA number.
        absent: why a tag is not among them.
        present: tags of the event, without APA number, read or not.
        truth: truth charge [electrons/tick]; ``None`` where there is none.
        no_truth: why there is none.
    """

    file: str
    event: int
    apa: str
    plane: str
    channels: Range
    ticks: Range
    axis: TickAxis
    tags: Mapping[str, Frame]
    absent: Mapping[str, str]
    present: tuple[str, ...]
    truth: Frame | None
    no_truth: str

    @property
    def title(self) -> str:
        """For figures: file, event, anode, plane."""
        return f"{self.file}, event {self.event}, APA {self.apa or 0}, plane {self.plane}"

    @property
    def stem(self) -> str:
        """For names of files."""
        file = re.sub(r"\.(h5|hdf5|npz|tar(\.\w+)?)$", "", self.file)
        return f"{file}-event{self.event}-apa{self.apa or 0}-{self.plane}"


class EventReader:
    """Reads planes of events from a pair of files, which stay open as long as it is used.

    Args:
        rec: reconstruction.
        tru: truth; ``None`` where there is none.
        detector: where the planes lie.

    Raises:
        FrameFileError: (its subclasses too) a file cannot be read, or the two do not fit.
    """

    def __init__(self, rec: Path, tru: Path | None, detector: Readout) -> None:
        self.detector = detector
        self._stack = ExitStack()
        with ExitStack() as opening:  # closed again where the second cannot be opened
            self.rec: FrameFile = opening.enter_context(open_frames(rec))
            self.tru = opening.enter_context(open_frames(tru)) if tru is not None else None
            if self.tru is None:
                self._truth_of: dict[int, int] = {}
            else:
                self._truth_of = dict(match_events(self.rec, self.tru))
            self._stack = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def choose(self, asked: int | str | Sequence[int] | None, most: int) -> list[int]:
        """Event ids: the first (``None``), all, or those that were named.

        Raises:
            DisplayError: there is no such event, or they are too many.
        """
        there = list(self.rec.events)
        if not there:
            raise DisplayError(f"{self.rec.path}: holds no event; name another file.")
        if asked is None:
            return there[:1]
        if isinstance(asked, str) and asked != "all":
            raise DisplayError(f"event={asked}; expected a number, a list of numbers, or all.")
        named = there if isinstance(asked, str) else [asked] if isinstance(asked, int) else asked
        unknown = [event for event in named if event not in there]
        if unknown:
            raise DisplayError(
                f"{self.rec.path}: there is no event {_few(unknown)}; it holds {_few(there)}. "
                "Name one of these."
            )
        if len(named) > most:
            raise DisplayError(
                f"event: {len(named)} events at once, with pictures of each; at most "
                f"max_events={most}. Name fewer (event=[{named[0]},{named[1]}]), or raise "
                "max_events."
            )
        return list(named)

    def read(
        self, event: int, apa: str | None, plane: str, tags: Iterable[str] | None
    ) -> PlaneEvent:
        """One plane of one event.

        Args:
            event: id.
            apa: number of the anode; ``None`` for the first.
            plane: name.
            tags: to read, without APA number; ``None`` for all there are.

        Raises:
            DisplayError: the file holds no such plane.
            FrameFileError: (its subclasses too) the file's own fault.
        """
        apa = self._apa(event, apa)
        infos = self._infos(event, apa)
        channels = self._channels(event, apa, plane, infos)
        axis = TickAxis.of(next(iter(infos.values())))
        begin = self.detector.tick_range[0]
        ends = (axis.first_tick(info) + info.n_columns for info in infos.values())
        ticks = (begin, max(begin + 1, *ends))
        read: dict[str, Frame] = {}
        absent: dict[str, str] = {}
        for tag in infos if tags is None else dict.fromkeys(tags):
            absent[tag] = self._absent(event, tag, apa, infos, channels, plane)
            if not absent[tag]:
                read[tag] = read_plane(self.rec, event, tag + apa, channels, ticks, axis)
        truth, no_truth = self._truth(event, apa, channels, ticks, axis)
        where = (self.rec.path.name, event, apa, plane, channels, ticks, axis)
        return PlaneEvent(*where, read, absent, tuple(infos), truth, no_truth)

    def _apa(self, event: int, asked: str | None) -> str:
        tags = self.rec.tags(event)
        found = sorted({_number(tag) for tag in tags}, key=lambda apa: int(apa or -1))
        if not tags:
            raise DisplayError(f"{self.rec.path}: event {event} holds no tag; name another event.")
        if asked is not None and asked not in found:
            raise DisplayError(
                f"{self.rec.path}: event {event} has no tag of APA {asked}; it has those of "
                f"{', '.join(apa or 'none' for apa in found)}. Set apa to one of these."
            )
        return found[0] if asked is None else asked

    def _infos(self, event: int, apa: str) -> dict[str, TagInfo]:
        """Of every tag of one anode, by tag without its number."""
        return {
            tag.removesuffix(apa): self.rec.info(event, tag)
            for tag in self.rec.tags(event)
            if _number(tag) == apa
        }

    def _channels(self, event: int, apa: str, plane: str, infos: Mapping[str, TagInfo]) -> Range:
        where = f"{self.rec.path}: event {event}"
        if plane not in self.detector.ranges:
            known = ", ".join(self.detector.ranges)
            raise DisplayError(f"plane={plane}; the data config knows {known}. Name one of these.")
        first = self.detector.first_channel
        widest = max(infos.values(), key=lambda info: len(info.channels))
        if first is None:
            first = first_channel(widest, apa, self.detector.channels_per_apa, where)
        low, high = self.detector.ranges[plane]
        channels = (first + low, first + high)
        ids = np.concatenate([info.channels for info in infos.values()])
        if len(ids) and not ((ids >= channels[0]) & (ids < channels[1])).any():
            raise DisplayError(
                f"{where} holds nothing of plane {plane} (channels {channels[0]} to "
                f"{channels[1] - 1}): its tags have channels {ids.min()} to {ids.max()}. Choose "
                "another plane, or the data config of its detector."
            )
        return channels

    def _absent(
        self,
        event: int,
        tag: str,
        apa: str,
        infos: Mapping[str, TagInfo],
        channels: Range,
        plane: str,
    ) -> str:
        """Why a tag cannot be drawn; empty where it can."""
        if tag not in infos:
            return f"event {event} has no tag '{tag}{apa}'"
        ids = infos[tag].channels
        if not ((ids >= channels[0]) & (ids < channels[1])).any():
            return f"tag '{tag}{apa}' holds no channel of plane {plane} in event {event}"
        return ""

    def _truth(
        self, event: int, apa: str, channels: Range, ticks: Range, axis: TickAxis
    ) -> tuple[Frame | None, str]:
        if self.tru is None:
            return None, "no truth file was given"
        everywhere = {tag for other in self.tru.events for tag in self.tru.tags(other)}
        for name in self.detector.truth:
            if name + apa in everywhere:
                own = self._truth_of[event]
                return read_plane(self.tru, own, name + apa, channels, ticks, axis), ""
        names = " or ".join(f"'{name}{apa}'" for name in self.detector.truth)
        return None, f"{self.tru.path.name} has no tag {names}"


def _number(tag: str) -> str:
    """The APA number that a tag ends in."""
    return tag[len(tag.rstrip("0123456789")) :]


def _few(events: Sequence[int]) -> str:
    if len(events) <= 8:
        return ", ".join(map(str, events))
    return f"{', '.join(map(str, events[:4]))}, ..., {events[-1]} ({len(events)} events)"
