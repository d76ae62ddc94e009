"""Read one plane of one event: all tags and the truth on the reconstruction's ticks."""

import weakref
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from roilab.detectors.locate import advice, find_anode
from roilab.detectors.readout import Anode, Readout
from roilab.errors import RoilabError
from roilab.frames import (
    FrameFile,
    TagInfo,
    TagReader,
    TickAxis,
    TruthTag,
    Window,
    apa_of,
    ending_of,
    find_truth_tag,
    input_ticks,
    match_events,
    open_frames,
)
from roilab.object_table import object_html, object_text
from roilab.types import Frame, Range


class PlaneReaderError(RoilabError):
    """A file does not hold the plane, tag or event that was named."""


@dataclass(frozen=True)
class PlaneLocation:
    """Location of one plane of one event in a frame file.

    Attributes:
        file: name of the reconstruction file.
        event: id.
        apa: number of the anode, as the tags end.
        name: of the plane.
        channels: half-open range of global channel ids.
        ticks: half-open range on ``axis``.
        axis: of the reconstruction.
    """

    file: str
    event: int
    apa: str
    name: str
    channels: Range
    ticks: Range
    axis: TickAxis

    @property
    def title(self) -> str:
        """File, event, anode and plane, for figures and messages."""
        return f"{self.file}, event {self.event}, APA {self.apa or 0}, plane {self.name}"

    @property
    def stem(self) -> str:
        """The same for names of files."""
        file = self.file.removesuffix(ending_of(self.file))
        return f"{file}-event{self.event}-apa{self.apa or 0}-{self.name}"


@dataclass(frozen=True)
class Plane(PlaneLocation):
    """Frames of one plane of one event on the reconstruction's ticks, each (channel, tick).

    Attributes:
        tags: frames of the reconstruction, by tag without APA number.
        missing: reason by tag, for tags that the event or the plane does not have.
        available: tags of the event without APA number.
        truth: truth charge [electrons/tick]; ``None`` where there is none.
        no_truth: reason why there is none; empty where there is.
        rebin: ticks of a sample in the file, if it was rebinned before; else 1.
    """

    tags: Mapping[str, Frame]
    missing: Mapping[str, str]
    available: tuple[str, ...]
    truth: Frame | None
    no_truth: str
    rebin: int = 1

    def __repr__(self) -> str:
        return object_text(self, self._facts())

    def _repr_html_(self) -> str:
        return object_html(self, self._facts())

    def _facts(self) -> dict[str, object]:
        ranges = {"channels": self.channels, "ticks": self.ticks}
        facts = {name: f"{a} to {b - 1} ({b - a})" for name, (a, b) in ranges.items()}
        tags, truth = " ".join(self.tags), self.no_truth or "yes"
        return {"plane": self.title, **facts, "tags": tags, "truth": truth}

    @property
    def location(self) -> PlaneLocation:
        """The location alone, which holds no frames."""
        return PlaneLocation(*(getattr(self, field.name) for field in fields(PlaneLocation)))


class PlaneReader:
    """Read planes from a reconstruction file and its truth file.

    The files are closed at the end of a ``with`` block, by ``close``, or when the reader is no
    longer used.

    Args:
        rec: reconstruction file.
        tru: truth file; ``None`` where there is none.
        readout: where the planes lie.

    Attributes:
        rec: the open reconstruction file.
        tru: the open truth file, or ``None``.

    Raises:
        FrameFileError: (its subclasses too) a file cannot be read, or the two do not fit.
    """

    def __init__(self, rec: Path, tru: Path | None, readout: Readout) -> None:
        self.readout = readout
        with ExitStack() as opening:  # closes the first file where the second cannot be opened
            self.rec: FrameFile = opening.enter_context(open_frames(rec, readout.reader))
            self.tru = (
                None if tru is None else opening.enter_context(open_frames(tru, readout.reader))
            )
            pairs = [] if self.tru is None else match_events(self.rec, self.tru)
            self._truth_event = dict(pairs)
            self._closing = weakref.finalize(self, opening.pop_all().close)

    def close(self) -> None:
        """Close the files; a second call does nothing."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def apas(self, event: int) -> tuple[str, ...]:
        """Return the numbers of the anodes of an event, as its tags end, ascending."""
        found = {apa_of(tag) for tag in self.rec.tags(event)}
        return tuple(sorted(found, key=lambda apa: int(apa or -1)))

    def has_plane(self, event: int, apa: str, plane: str, tags: Collection[str]) -> bool:
        """Return whether one of the tags (without APA number) holds a channel of a plane."""
        infos = self._infos(event, apa)
        channels = self._channels(self._anode(event, apa, infos), plane)
        return any(_holds(infos[tag].channels, channels) for tag in tags if tag in infos)

    def read(
        self,
        event: int,
        apa: str | None,
        plane: str,
        tags: Iterable[str] | None = None,
        node_tags: Collection[str] | None = None,
    ) -> Plane:
        """Read one plane of one event.

        A tag without traces in this event or channels in this plane is zero, and in ``missing``;
        a tag that no event of the file has is in ``missing`` only.

        Args:
            event: id.
            apa: number of the anode; ``None`` for the first.
            plane: name.
            tags: without APA number; ``None`` for all of the event.
            node_tags: tags of WCT's node, whose traces give the number of ticks; ``None`` for all.

        Raises:
            RoilabError: (its subclasses) the file does not hold this plane, or is damaged.
        """
        if not self._closing.alive:
            raise PlaneReaderError(f"{self.rec.path}: the file is closed; open it again.")
        apa = self._apa(event, apa)
        infos = self._infos(event, apa)
        anode = self._anode(event, apa, infos)
        channels = self._channels(anode, plane)
        self._check_channels(event, apa, plane, channels, infos)
        window = Window(anode.channels, self.readout.all_ticks)
        truth_tag = self._truth(event, apa)
        reader = TagReader(self.rec, event, apa, node_tags or infos, truth_tag, window)
        ticks = self._ticks(reader)
        frames: dict[str, Frame] = {}
        missing: dict[str, str] = {}
        for tag in infos if tags is None else dict.fromkeys(tags):
            if reason := self._why_missing(event, tag, apa, infos, channels, plane):
                missing[tag] = reason
            if tag + apa in self.rec.all_tags:
                frames[tag] = reader.read(tag, channels, ticks)
        no_truth = self._why_no_truth(apa)
        truth = None if no_truth else reader.read_truth(channels, ticks)
        location = (self.rec.path.name, event, apa, plane, channels, ticks, reader.axis)
        rebin = max(info.rebin for info in reader.infos.values())
        return Plane(*location, frames, missing, tuple(infos), truth, no_truth, rebin)

    def _apa(self, event: int, named: str | None) -> str:
        found = self.apas(event)
        if not found:
            raise PlaneReaderError(
                f"{self.rec.path}: event {event} holds no tag; name another event."
            )
        if named is not None and named not in found:
            raise PlaneReaderError(
                f"{self.rec.path}: event {event} has no tag of APA {named}; it has those of "
                f"{', '.join(apa or 'none' for apa in found)}. Set apa to one of these."
            )
        return found[0] if named is None else named

    def _infos(self, event: int, apa: str) -> dict[str, TagInfo]:
        """Return channels and ticks of every tag of one anode, by tag without its number."""
        return {
            tag.removesuffix(apa): self.rec.info(event, tag)
            for tag in self.rec.tags(event)
            if apa_of(tag) == apa
        }

    def _anode(self, event: int, apa: str, infos: Mapping[str, TagInfo]) -> Anode:
        """Return the anode with its channel ids."""
        widest = max(infos.values(), key=lambda info: len(info.channels))
        where = f"{self.rec.path}: event {event}"
        return find_anode(self.readout, widest.channels, apa, where)

    def _channels(self, anode: Anode, plane: str) -> Range:
        if plane not in anode.planes:
            known = ", ".join(anode.planes)
            raise PlaneReaderError(f"plane={plane}; the detector has {known}. Name one of these.")
        return anode.planes[plane]

    def _check_channels(
        self, event: int, apa: str, plane: str, channels: Range, infos: Mapping[str, TagInfo]
    ) -> None:
        """Check that a tag holds a channel of the plane, unless all tags are without channels."""
        ids = np.concatenate([info.channels for info in infos.values()])
        if len(ids) and not _holds(ids, channels):
            raise PlaneReaderError(
                f"{self.rec.path}: event {event} holds nothing of plane {plane} (channels "
                f"{channels[0]} to {channels[1] - 1}): its tags have channels {ids.min()} to "
                f"{ids.max()}. Choose another plane. {advice(ids, apa)}"
            )

    def _ticks(self, reader: TagReader) -> Range:
        begin, end = self.readout.tick_range
        infos = [info for info in reader.infos.values() if len(info.channels)]
        traces = [(reader.axis.first_tick(info), info.n_columns) for info in infos]
        return begin, begin + max(1, input_ticks(traces, begin, end - begin))

    def _why_missing(
        self,
        event: int,
        tag: str,
        apa: str,
        infos: Mapping[str, TagInfo],
        channels: Range,
        plane: str,
    ) -> str:
        """Return why the event has nothing of a tag in the plane; empty where it has."""
        if tag not in infos:
            return f"event {event} has no tag '{tag}{apa}'"
        if not _holds(infos[tag].channels, channels):
            return f"tag '{tag}{apa}' holds no channel of plane {plane} in event {event}"
        return ""

    def _truth_tag(self, apa: str) -> str | None:
        """Return the first truth tag that any event has."""
        return None if self.tru is None else find_truth_tag(self.tru, self.readout.truth, apa)

    def _truth(self, event: int, apa: str) -> TruthTag | None:
        tag = self._truth_tag(apa)
        if self.tru is None or tag is None:
            return None
        return TruthTag(self.tru, self._truth_event[event], tag)

    def _why_no_truth(self, apa: str) -> str:
        if self.tru is None:
            return "no truth file was given"
        if self._truth_tag(apa) is not None:
            return ""
        names = " or ".join(f"'{name}{apa}'" for name in self.readout.truth)
        return f"{self.tru.path.name} has no tag {names}"


def _holds(ids: "np.ndarray[tuple[int], np.dtype[np.int64]]", channels: Range) -> bool:
    return bool(((ids >= channels[0]) & (ids < channels[1])).any())
