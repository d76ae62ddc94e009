"""Which images a set of frame files holds: one for every event, APA and plane."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from roilab.detectors import Readout
from roilab.detectors.locate import advice, find_anode
from roilab.frames import (
    ChannelRangeError,
    FilePair,
    FrameFile,
    FrameFileError,
    MissingTagError,
    RebinnedFileError,
    TickAxis,
    TickAxisError,
    Window,
    apa_of,
    find_apas,
    find_truth_tag,
    match_events,
    open_frames,
    shown_tags,
)
from roilab.types import Range


@dataclass(frozen=True)
class ImageSpec:
    """Contents of a prepared image, before scale and threshold; tags without APA number."""

    layers: tuple[str, ...]  # in the network's order
    truth: tuple[str, ...]  # the first that a file has is taken
    tick_range: Range  # half-open, on the reconstruction's tick axis
    rebin: int  # ticks per slice
    channel_rebin: int = 1  # channels per row
    reader: Mapping[str, Any] | None = None  # of the frame files, see ``roilab.frames.open_frames``


@dataclass(frozen=True)
class ImageSource:
    """Files, event and channels of one image."""

    pair: FilePair
    rec_event: int
    tru_event: int
    apa: str  # as the tags end
    plane: str  # ``U+V`` for stacked planes
    channel_ranges: tuple[Range, ...]  # half-open, of global ids, one for each stacked plane
    truth_tag: str  # with APA number, if it has one
    window: Window  # anode and readout, which every tag must overlap

    @property
    def event_key(self) -> tuple[str, str, int]:
        """Identify the event independent of the order of files; all its planes share the key."""
        return (self.pair.rec.name, str(self.pair.rec.parent), self.rec_event)

    @property
    def event_name(self) -> str:
        """File and event, for messages."""
        return f"{self.pair.name} event {self.rec_event}"

    @property
    def name(self) -> str:
        """File, event, anode and plane, for pictures and messages."""
        return f"{self.event_name} APA {self.apa or 0} {self.plane}"


@dataclass(frozen=True)
class PlaneSelection:
    """Which planes and anodes to take."""

    planes: tuple[str, ...]
    stack: bool = False  # join the planes along the channel axis as one image
    apas: tuple[str, ...] = ()  # APA numbers; empty for all that a file holds


def list_images(
    pairs: Sequence[FilePair],
    readout: Readout,
    selection: PlaneSelection,
    spec: ImageSpec,
    on_error: Callable[[str, FrameFileError], None] | None = None,
    any_rebin: bool = False,
) -> list[ImageSource]:
    """List the images of all files, in order of file, event, anode and plane.

    Only tags, channel lists and tick information are read. Every event must have the tags and
    ticks of ``spec``; files that were rebinned before must have its rebin, unless ``any_rebin``.
    ``on_error`` is called with the name of a file or event that has an error,
    which is then left out; with ``None`` the error is raised.

    Raises:
        FrameFileError: (its subclasses too) a file cannot be read, lacks a tag or channels, or
            does not fit its truth file.
    """
    sources: list[ImageSource] = []
    for pair in pairs:
        with (
            _passed_to(on_error, pair.name),
            open_frames(pair.rec, readout.reader) as rec,
            open_frames(pair.tru, readout.reader) as tru,
        ):
            for events in match_events(rec, tru):
                with _passed_to(on_error, f"{pair.name} event {events[0]}"):
                    found = _list_event(pair, rec, tru, events, (readout, selection, spec))
                    if not any_rebin:
                        for source in found:
                            _check_stored_rebin(rec, tru, source, spec)
                    sources += found
    return sources


@contextmanager
def _passed_to(on_error: Callable[[str, FrameFileError], None] | None, name: str) -> Iterator[None]:
    """Call a function for an error in the block, if there is one."""
    try:
        yield
    except FrameFileError as error:
        if on_error is None:
            raise
        on_error(name, error)


def _list_event(
    pair: FilePair,
    rec: FrameFile,
    tru: FrameFile,
    events: tuple[int, int],
    settings: tuple[Readout, PlaneSelection, ImageSpec],
) -> list[ImageSource]:
    """List the images of one event (its ids in both files)."""
    readout, selection, spec = settings
    event, tru_event = events
    sources = []
    for apa in _apas(rec, event, selection, spec):
        _check_layers(rec, event, apa, spec)
        ids = rec.info(event, spec.layers[0] + apa).channels
        anode = find_anode(readout, ids, apa, f"{rec.path}: event {event}")
        planes = {name: anode.planes[name] for name in selection.planes}
        _check_channels(rec, event, apa, planes)
        window = Window(anode.channels, readout.all_ticks)
        tag = _truth_tag(tru, tru_event, apa, spec)
        sources += [
            ImageSource(pair, event, tru_event, apa, name, channels, tag, window)
            for name, channels in _images(planes, selection.stack)
        ]
    return sources


def _check_stored_rebin(
    rec: FrameFile, tru: FrameFile, source: ImageSource, spec: ImageSpec
) -> None:
    """Check that the slices of an image are those of tags that were rebinned before."""
    event, layers = source.rec_event, [layer + source.apa for layer in spec.layers]
    axis = TickAxis.of(rec.info(event, layers[0]))
    stored = [(rec, event, tag) for tag in layers]
    stored.append((tru, source.tru_event, source.truth_tag))
    for frames, number, tag in stored:
        if not frames.may_hold_slices or tag not in frames.tags(number):
            continue
        info = frames.info(number, tag)
        if info.rebin == 1:
            continue
        if info.rebin != spec.rebin:
            raise RebinnedFileError(
                f"{info.where}: was rebinned to {info.rebin} ticks before it was written; expected "
                f"data.rebin={spec.rebin}. Set data.rebin={info.rebin}, or name frames of ticks."
            )
        if (axis.first_tick(info) - spec.tick_range[0]) % info.rebin:
            raise RebinnedFileError(
                f"{info.where}: its slices of {info.rebin} ticks begin at tick "
                f"{axis.first_tick(info)}, those of data.tick_range={list(spec.tick_range)} at "
                f"{spec.tick_range[0]}; expected a multiple of {info.rebin} between them. Change "
                "data.tick_range."
            )


def _images(planes: dict[str, Range], stack: bool) -> list[tuple[str, tuple[Range, ...]]]:
    """Return name and channel ranges of every image: one a plane, or one of all planes."""
    if stack:
        return [("+".join(planes), tuple(planes.values()))]
    return [(name, (channels,)) for name, channels in planes.items()]


def _apas(
    rec: FrameFile, event: int, selection: PlaneSelection, spec: ImageSpec
) -> tuple[str, ...]:
    layer = spec.layers[0]
    present = find_apas(rec, event, layer)
    missing = [apa for apa in selection.apas if apa not in present]
    if missing or not present:
        raise MissingTagError(
            f"{rec.path}: event {event} has no tag '{layer}{missing[0] if missing else ''}'; it "
            f"has {shown_tags(rec.tags(event))}. Name tags the file holds (data.layers, "
            "data.apas) or write it again with this one."
        )
    return selection.apas or present


def _check_layers(rec: FrameFile, event: int, apa: str, spec: ImageSpec) -> None:
    """Check that the file has all layers, and that the first one overlaps the tick range."""
    for layer in spec.layers:
        if layer + apa not in rec.all_tags:
            raise MissingTagError(
                f"{rec.path}: event {event} has no tag '{layer}{apa}'; it has "
                f"{shown_tags(rec.tags(event))}. Name tags the file holds (data.layers) or write "
                "it again with this one."
            )
    info = rec.info(event, spec.layers[0] + apa)
    if not len(info.channels) or not info.n_columns:
        raise ChannelRangeError(
            f"{info.where}: holds no channel or no tick; expected the traces of every channel. "
            "Leave out this event, or name another tag first in data.layers."
        )
    start = TickAxis.of(info).first_tick(info)
    if spec.tick_range[0] >= start + info.n_columns or spec.tick_range[1] <= start:
        raise TickAxisError(
            f"{rec.path}: event {event}, tag '{spec.layers[0]}{apa}': ticks {start} to "
            f"{start + info.n_columns} against data.tick_range={list(spec.tick_range)}; expected "
            "an overlap. Set data.tick_range to ticks the file holds."
        )


def _check_channels(rec: FrameFile, event: int, apa: str, planes: dict[str, Range]) -> None:
    """Check that the planes lie between the lowest and the highest channel of the file's tags."""
    tags = [tag for tag in rec.tags(event) if apa_of(tag) == apa]
    lists = [channels for tag in tags if len(channels := rec.info(event, tag).channels)]
    low = min(int(channels.min()) for channels in lists)
    high = max(int(channels.max()) for channels in lists)
    for plane, (begin, end) in planes.items():
        if begin < low or end > high + 1:
            raise ChannelRangeError(
                f"{rec.path}: event {event}: plane {plane} is channels {begin} to {end - 1}, but "
                f"its tags ({shown_tags(tags)}) hold {low} to {high}; choose data.planes or "
                f"data.channel_range within. {advice(np.concatenate(lists), apa)}"
            )


def _truth_tag(tru: FrameFile, event: int, apa: str, spec: ImageSpec) -> str:
    """Return the first truth tag that any event has (an event without charge may lack it)."""
    tag = find_truth_tag(tru, spec.truth, apa)
    if tag is None:
        wanted = " or ".join(f"'{name}{apa}'" for name in spec.truth)
        raise MissingTagError(
            f"{tru.path}: event {event} has no tag {wanted}; it has {shown_tags(tru.tags(event))}. "
            "Set data.truth to the tag of the truth charge."
        )
    return tag
