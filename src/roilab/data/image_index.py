"""Which images a set of frame files holds: one for every (event, APA, plane)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roilab.frames import (
    ChannelRangeError,
    FilePair,
    FrameFile,
    MissingTagError,
    TickAxis,
    TickAxisError,
    find_apas,
    first_channel,
    match_events,
    open_frames,
)

Range = tuple[int, int]


@dataclass(frozen=True)
class ImageRecipe:
    """What is taken from the frames of one image, before scale and threshold.

    Attributes:
        layers: input tags without APA number, in the network's order.
        truth: truth tags without APA number; the first that a file has is taken.
        tick_range: half-open, on the reconstruction's tick axis.
        rebin: ticks per slice.
        channel_rebin: channels per row.
    """

    layers: tuple[str, ...]
    truth: tuple[str, ...]
    tick_range: Range
    rebin: int
    channel_rebin: int = 1


@dataclass(frozen=True)
class ImageSource:
    """Where one image comes from.

    Attributes:
        pair: reconstruction and truth file.
        rec_event: event id in the reconstruction file.
        tru_event: event id in the truth file.
        apa: number of the anode, as the tags end.
        plane: name of the plane (``U+V`` where planes are stacked).
        channel_ranges: half-open ranges of global channel ids, one a stacked plane.
        truth_tag: full truth tag of this file.
    """

    pair: FilePair
    rec_event: int
    tru_event: int
    apa: str
    plane: str
    channel_ranges: tuple[Range, ...]
    truth_tag: str

    @property
    def event_key(self) -> tuple[str, str, int]:
        """What identifies the event whatever the order of files; all its planes share it."""
        return (self.pair.rec.name, str(self.pair.rec.parent), self.rec_event)

    @property
    def name(self) -> str:
        """For pictures and messages: file, event, anode, plane."""
        return f"{self.pair.rec.name} event {self.rec_event} APA {self.apa or 0} {self.plane}"


@dataclass(frozen=True)
class PlaneSelection:
    """Which anodes, planes and channels to take.

    Attributes:
        ranges: half-open channel range of every chosen plane, relative to the anode's first
            channel, in the order chosen.
        stack: join the planes along the channel axis as one image.
        apas: anode numbers; empty for all that a file holds.
        channels_per_apa: how far apart the ids of two anodes lie.
        first_channel: global id of the anode's first channel; ``None`` to see from the file.
    """

    ranges: Mapping[str, Range]
    stack: bool
    apas: tuple[str, ...]
    channels_per_apa: int
    first_channel: int | None = None


def list_images(
    pairs: Sequence[FilePair], selection: PlaneSelection, recipe: ImageRecipe
) -> list[ImageSource]:
    """The images of all files, in order of file, event, anode and plane.

    Only tags, channel lists and tick information are read.

    Raises:
        FrameFileError: (its subclasses too) a file cannot be read, lacks a tag or channels, or
            does not fit its truth file.
    """
    sources: list[ImageSource] = []
    for pair in pairs:
        with open_frames(pair.rec) as rec, open_frames(pair.tru) as tru:
            for rec_event, tru_event in match_events(rec, tru):
                for apa in _apas(rec, rec_event, selection, recipe):
                    first = _check_event(rec, rec_event, apa, selection, recipe)
                    tag = _truth_tag(tru, tru_event, apa, recipe)
                    for plane, ranges in _planes(selection, first):
                        sources.append(
                            ImageSource(pair, rec_event, tru_event, apa, plane, ranges, tag)
                        )
    return sources


def _planes(selection: PlaneSelection, first: int) -> list[tuple[str, tuple[Range, ...]]]:
    shifted = {name: (first + a, first + b) for name, (a, b) in selection.ranges.items()}
    if selection.stack:
        return [("+".join(shifted), tuple(shifted.values()))]
    return [(name, (channels,)) for name, channels in shifted.items()]


def _apas(
    rec: FrameFile, event: int, selection: PlaneSelection, recipe: ImageRecipe
) -> tuple[str, ...]:
    layer = recipe.layers[0]
    found = find_apas(rec, event, layer)
    missing = [apa for apa in selection.apas if apa not in found]
    if missing or not found:
        raise MissingTagError(
            f"{rec.path}: event {event} has no tag '{layer}{missing[0] if missing else ''}'; it "
            f"has {', '.join(rec.tags(event)) or 'none'}. Name tags the file holds (data.layers, "
            "data.apas) or write it again with this one."
        )
    return selection.apas or found


def _check_event(
    rec: FrameFile, event: int, apa: str, selection: PlaneSelection, recipe: ImageRecipe
) -> int:
    """Make sure that tags, channels and ticks are there; return the anode's first channel."""
    everywhere = {tag for other in rec.events for tag in rec.tags(other)}
    for layer in recipe.layers:
        if layer + apa not in everywhere:
            raise MissingTagError(
                f"{rec.path}: event {event} has no tag '{layer}{apa}'; it has "
                f"{', '.join(rec.tags(event))}. Name tags the file holds (data.layers) or write "
                "it again with this one."
            )
    where = f"{rec.path}: event {event}"
    info = rec.info(event, recipe.layers[0] + apa)
    first = selection.first_channel
    if first is None:
        first = first_channel(info, apa, selection.channels_per_apa, where)
    _check_channels(rec, event, apa, selection, first)
    start = TickAxis.of(info).first_tick(info)
    if recipe.tick_range[0] >= start + info.n_columns or recipe.tick_range[1] <= start:
        raise TickAxisError(
            f"{where}, tag '{recipe.layers[0]}{apa}': ticks {start} to {start + info.n_columns} "
            f"against data.tick_range={list(recipe.tick_range)}; expected an overlap. Set "
            "data.tick_range to ticks the file holds."
        )
    return first


def _check_channels(
    rec: FrameFile, event: int, apa: str, selection: PlaneSelection, first: int
) -> None:
    """The chosen ranges must lie between the lowest and highest channel of the file's tags."""
    tags = [tag for tag in rec.tags(event) if tag.endswith(apa)]
    lists = [channels for tag in tags if len(channels := rec.info(event, tag).channels)]
    low = min(int(channels.min()) for channels in lists)
    high = max(int(channels.max()) for channels in lists)
    for plane, (begin, end) in selection.ranges.items():
        if first + begin < low or first + end > high + 1:
            raise ChannelRangeError(
                f"{rec.path}: event {event}: plane {plane} asks for channels {first + begin} to "
                f"{first + end - 1}, but its tags ({', '.join(tags)}) hold {low} to {high}; choose "
                "data.planes or data.channel_range within, or another data config."
            )


def _truth_tag(tru: FrameFile, event: int, apa: str, recipe: ImageRecipe) -> str:
    """The first truth tag that any event has (an event without charge may lack it)."""
    everywhere = {tag for other in tru.events for tag in tru.tags(other)}
    for name in recipe.truth:
        if name + apa in everywhere:
            return name + apa
    wanted = " or ".join(f"'{name}{apa}'" for name in recipe.truth)
    raise MissingTagError(
        f"{tru.path}: event {event} has no tag {wanted}; it has "
        f"{', '.join(tru.tags(event)) or 'none'}. Set data.truth to the tag of the truth charge."
    )
