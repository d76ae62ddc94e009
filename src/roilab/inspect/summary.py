"""What a frame file holds, and what does not fit together in a pair of files."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roilab.frames.base import FrameFile, TagInfo
from roilab.frames.errors import EventMismatchError
from roilab.frames.pairs import match_events

_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class TagSummary:
    """One tag of one event.

    Attributes:
        event: event id.
        tag: full tag.
        info: channels and tick axis.
        nonzero: part of the stored samples that are not 0; ``None`` where not looked at.
        bad: number of NaN or infinite samples; ``None`` where not looked at.
    """

    event: int
    tag: str
    info: TagInfo
    nonzero: float | None
    bad: int | None


def summarize(frames: FrameFile, samples: bool) -> Iterator[TagSummary]:
    """Every tag of every event, in order.

    Args:
        frames: an open file.
        samples: read the samples too (some hundred rows at a time) to count them.
    """
    for event in frames.events:
        for tag in frames.tags(event):
            info = frames.info(event, tag)
            nonzero, bad = _count(frames, event, tag) if samples else (None, None)
            yield TagSummary(event, tag, info, nonzero, bad)


def _count(frames: FrameFile, event: int, tag: str) -> tuple[float, int]:
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
    """What a reader of a reconstruction file and its truth file must sort out, a sentence each.

    Args:
        rec: reconstruction.
        tru: truth; every tag of it is compared.

    Returns:
        Sentences; empty where both files lie on one grid.
    """
    try:
        events = match_events(rec, tru)
    except EventMismatchError as error:
        return [str(error)]
    findings: list[str] = []
    offset = events[0][0] - events[0][1]
    if offset:
        findings.append(f"event ids: rec is {offset:+d} against tru; paired by that difference")
    for rec_event, tru_event in events:
        findings += [
            f"event {rec_event}: {text}" for text in _compare_event(rec, rec_event, tru, tru_event)
        ]
    return findings


def _compare_event(rec: FrameFile, rec_event: int, tru: FrameFile, tru_event: int) -> list[str]:
    infos = {tag: rec.info(rec_event, tag) for tag in rec.tags(rec_event)}
    infos |= {f"{tag} (truth)": tru.info(tru_event, tag) for tag in tru.tags(tru_event)}
    if not infos:
        return ["holds no tag"]
    # The tag with most channels is the one that leaves none out.
    name, reference = max(infos.items(), key=lambda item: len(item[1].channels))
    findings = []
    for tag, info in infos.items():
        differences = list(_differences(info, reference))
        if differences:
            findings.append(f"{tag} against {name}: {'; '.join(differences)}")
    return findings


def _differences(info: TagInfo, reference: TagInfo) -> Iterator[str]:
    missing = len(np.setdiff1d(reference.channels, info.channels))
    extra = len(np.setdiff1d(info.channels, reference.channels))
    if missing:
        yield f"{missing} channels absent (taken as zero)"
    if extra:
        yield f"{extra} channels more"
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
