"""Contents of a frame file, and differences between the tags of a pair of files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from roilab.frames import (
    EventMismatchError,
    FrameFile,
    FrameFileError,
    TagInfo,
    apa_of,
    is_bad,
    match_events,
    shown,
)


@dataclass(frozen=True)
class TagSummary:
    """One tag of one event; ``nonzero`` and ``bad`` are ``None`` if not counted."""

    event: int
    tag: str
    info: TagInfo
    nonzero: float | None  # fraction of the stored samples that are not 0
    bad: int | None  # number of NaN, infinite or impossibly large samples


@dataclass(frozen=True)
class Difference:
    """A difference between tags; ``corrected`` says whether the reader can place them still."""

    text: str
    corrected: bool


def summarize(frames: FrameFile, samples: bool) -> Iterator[TagSummary]:
    """Summarize every tag of every event in order; count samples part by part, if ``samples``.

    Raises:
        FrameFileError: the file holds no event, or a tag is damaged.
    """
    if not frames.events:
        raise FrameFileError(
            f"{frames.path}: holds no event; expected groups named by event numbers (HDF5), or "
            "members named frame_TAG_EVENT.npy (archive). Check what wrote it."
        )
    for event in frames.events:
        for tag in frames.tags(event):
            info = frames.info(event, tag)
            nonzero, bad = _count(frames, event, tag) if samples else (None, None)
            yield TagSummary(event, tag, info, nonzero, bad)


def _count(frames: FrameFile, event: int, tag: str) -> tuple[float, int]:
    """Return the fraction of non-zero samples and the number of bad ones."""
    nonzero = bad = size = 0
    for block in frames.blocks(event, tag):
        size += block.size
        nonzero += int(np.count_nonzero(block))
        bad += int(np.count_nonzero(is_bad(block)))
    return nonzero / max(1, size), bad


def compare_pair(rec: FrameFile, tru: FrameFile) -> list[Difference]:
    """Describe differences in events, channels and ticks of a reconstruction and its truth file.

    All tags are compared; the list is empty if they have the same channels and ticks.
    """
    try:
        events = match_events(rec, tru)
    except EventMismatchError as error:
        return [Difference(str(error), corrected=False)]
    differences: list[Difference] = []
    offset = events[0][0] - events[0][1]
    if offset:
        text = f"event ids: rec is {offset:+d} against tru; paired by that difference"
        differences.append(Difference(text, corrected=True))
    for rec_event, tru_event in events:
        differences += _compare_event(rec, rec_event, tru, tru_event)
    return differences


def _compare_event(
    rec: FrameFile, rec_event: int, tru: FrameFile, tru_event: int
) -> Iterator[Difference]:
    """Compare every tag with the one of its APA that has most channels."""
    infos = {tag: rec.info(rec_event, tag) for tag in rec.tags(rec_event)}
    infos |= {f"{tag} (truth)": tru.info(tru_event, tag) for tag in tru.tags(tru_event)}
    if not infos:
        yield Difference(f"event {rec_event}: holds no tag", corrected=True)
    for tag, info in infos.items():
        name = _reference(tag, infos)
        found = list(_differences(info, infos[name]))
        if found:
            text = "; ".join(difference.text for difference in found)
            corrected = all(difference.corrected for difference in found)
            text = f"event {rec_event}: {shown(tag)} against {shown(name)}: {text}"
            yield Difference(text, corrected)


def _reference(tag: str, infos: Mapping[str, TagInfo]) -> str:
    """Return the tag of the same APA that has most channels; of a tag without APA, of all.

    Where several APAs are possible, it is the one with most channels in common.
    """
    apa = apa_of(tag.removesuffix(" (truth)"))
    same = [name for name in infos if apa_of(name.removesuffix(" (truth)")) in (apa, "")]
    names = same if apa else list(infos)
    widest = max(names, key=lambda name: len(infos[name].channels))
    if apa or widest == tag:
        return widest
    own = infos[tag].channels
    return max(
        (name for name in names if name != tag),
        key=lambda name: len(np.intersect1d(infos[name].channels, own)),
    )


def _differences(info: TagInfo, reference: TagInfo) -> Iterator[Difference]:
    missing = len(np.setdiff1d(reference.channels, info.channels))
    extra = len(np.setdiff1d(info.channels, reference.channels))
    if len(info.channels) and extra == len(info.channels):
        yield Difference("no channel in common (another anode, or another first id)", False)
    elif missing or extra:
        if missing:
            yield Difference(f"{missing} channels absent (taken as zero)", True)
        if extra:
            yield Difference(f"{extra} more channels", True)
    if not np.isclose(info.tick_ns, reference.tick_ns, rtol=1e-6):
        text = f"ticks of {info.tick_ns:g} ns, not {reference.tick_ns:g} ns (cannot be placed)"
        yield Difference(text, False)
        return
    yield from (Difference(*found) for found in _shifts(info, reference))


def _shifts(info: TagInfo, reference: TagInfo) -> Iterator[tuple[str, bool]]:
    """Compare the ticks of two tags with ticks of the same length."""
    start = (info.start_ns - reference.start_ns) / reference.tick_ns + info.tbin - reference.tbin
    apart = start >= reference.n_columns or start + info.n_columns <= 0
    if info.n_columns and reference.n_columns and apart:
        yield f"starts {start:+g} ticks away (no tick in common)", False
        return
    if round(start) != 0:
        yield f"starts {abs(start):g} ticks {'earlier' if start < 0 else 'later'} (shifted)", True
    if abs(start - round(start)) > 1e-3:
        yield f"lies {start - round(start):+.2f} of a tick off the grid (rounded)", True
    if info.n_columns != reference.n_columns:
        text = f"{info.n_columns} ticks, not {reference.n_columns} (cut or filled with zeros)"
        yield text, True
