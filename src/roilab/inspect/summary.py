"""Contents of a frame file, and differences between the tags of a pair of files."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roilab.frames.base import FrameFile, TagInfo
from roilab.frames.errors import EventMismatchError
from roilab.frames.pairs import match_events

_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class TagSummary:
    """One tag of one event; ``nonzero`` and ``bad`` are ``None`` if not counted."""

    event: int
    tag: str
    info: TagInfo
    nonzero: float | None  # fraction of the stored samples that are not 0
    bad: int | None  # number of NaN or infinite samples


def summarize(frames: FrameFile, samples: bool) -> Iterator[TagSummary]:
    """Summarize every tag of every event in order; count 512 rows at a time, if ``samples``."""
    for event in frames.events:
        for tag in frames.tags(event):
            info = frames.info(event, tag)
            nonzero, bad = _count(frames, event, tag) if samples else (None, None)
            yield TagSummary(event, tag, info, nonzero, bad)


def _count(frames: FrameFile, event: int, tag: str) -> tuple[float, int]:
    """Return the fraction of non-zero samples and the number of NaN or infinite ones."""
    info = frames.info(event, tag)
    nonzero = bad = 0
    for first in range(0, len(info.channels), _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, len(info.channels))
        block = frames.read_rows(event, tag, slice(first, last))
        nonzero += int(np.count_nonzero(block))
        if np.issubdtype(block.dtype, np.floating):
            bad += int(np.count_nonzero(~np.isfinite(block)))
    return nonzero / max(1, len(info.channels) * info.n_columns), bad


def compare_pair(rec: FrameFile, tru: FrameFile) -> list[str]:
    """Describe differences in events, channels and ticks of a reconstruction and its truth file.

    All tags are compared; the list is empty if they have the same channels and ticks.
    """
    try:
        events = match_events(rec, tru)
    except EventMismatchError as error:
        return [str(error)]
    differences: list[str] = []
    offset = events[0][0] - events[0][1]
    if offset:
        differences.append(f"event ids: rec is {offset:+d} against tru; paired by that difference")
    for rec_event, tru_event in events:
        differences += [
            f"event {rec_event}: {text}" for text in _compare_event(rec, rec_event, tru, tru_event)
        ]
    return differences


def _compare_event(rec: FrameFile, rec_event: int, tru: FrameFile, tru_event: int) -> list[str]:
    """Return one line for every tag that differs from the one with most channels."""
    infos = {tag: rec.info(rec_event, tag) for tag in rec.tags(rec_event)}
    infos |= {f"{tag} (truth)": tru.info(tru_event, tag) for tag in tru.tags(tru_event)}
    if not infos:
        return ["holds no tag"]
    # Compare with the tag that has most channels: it lacks none.
    name, reference = max(infos.items(), key=lambda item: len(item[1].channels))
    lines = []
    for tag, info in infos.items():
        differences = list(_differences(info, reference))
        if differences:
            lines.append(f"{tag} against {name}: {'; '.join(differences)}")
    return lines


def _differences(info: TagInfo, reference: TagInfo) -> Iterator[str]:
    missing = len(np.setdiff1d(reference.channels, info.channels))
    extra = len(np.setdiff1d(info.channels, reference.channels))
    if missing:
        yield f"{missing} channels absent (taken as zero)"
    if extra:
        yield f"{extra} more channels"
    if not np.isclose(info.tick_ns, reference.tick_ns, rtol=1e-6):
        yield f"ticks of {info.tick_ns:g} ns, not {reference.tick_ns:g} ns (cannot be placed)"
        return
    start = (info.start_ns - reference.start_ns) / reference.tick_ns + info.tbin - reference.tbin
    if round(start) != 0:
        yield f"starts {abs(start):g} ticks {'earlier' if start < 0 else 'later'} (shifted)"
    if abs(start - round(start)) > 1e-3:
        yield f"lies {start - round(start):+.2f} of a tick off the grid (rounded)"
    if info.n_columns != reference.n_columns:
        yield f"{info.n_columns} ticks, not {reference.n_columns} (cut or filled with zeros)"
