"""Pair reconstruction with truth: files by name, events by id."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roilab.frames.base import FrameFile
from roilab.frames.errors import EventMismatchError, FrameFileError


@dataclass(frozen=True, order=True)
class FilePair:
    """A reconstruction file and its truth file."""

    rec: Path
    tru: Path


def match_files(folder: Path, rec_pattern: str, tru_pattern: str) -> list[FilePair]:
    """Pair the files of a folder by the text that both patterns match with ``*``.

    ``g4-rec-*.h5`` with ``g4-tru-*.h5`` pairs ``g4-rec-7.h5`` with ``g4-tru-7.h5``.

    Returns:
        The pairs in order of their names.

    Raises:
        FrameFileError: a pattern has not exactly one ``*``, the folder is absent, no file matches,
            or a reconstruction file has no truth file.
    """
    for pattern in (rec_pattern, tru_pattern):
        if pattern.count("*") != 1:
            raise FrameFileError(
                f"file pattern '{pattern}' has {pattern.count('*')} '*'; expected exactly one, "
                "for the text that a reconstruction file and its truth file share."
            )
    if not folder.is_dir():
        raise FrameFileError(f"{folder}: there is no such folder; set data.dir.")
    prefix, suffix = rec_pattern.split("*")
    pairs = []
    for rec in sorted(folder.glob(rec_pattern)):
        shared = str(rec.relative_to(folder))[len(prefix) : -len(suffix) or None]
        tru = folder / tru_pattern.replace("*", shared)
        if not tru.exists():  # a folder, for a reader of the user
            raise FrameFileError(
                f"{rec}: its truth file {tru} is absent. Put it there, or set data.rec and "
                "data.tru to patterns that pair your files."
            )
        pairs.append(FilePair(rec, tru))
    if not pairs:
        raise FrameFileError(
            f"{folder}: no file matches '{rec_pattern}'; set data.dir and data.rec to where the "
            "reconstruction files are."
        )
    return pairs


def match_events(rec: FrameFile, tru: FrameFile) -> list[tuple[int, int]]:
    """Pair the events of two files.

    Equal ids pair if the truth file has every id of the reconstruction file. Otherwise both files
    must hold the same number of events with a constant difference of ids (100, 101 and 0, 1).

    Returns:
        (event in ``rec``, event in ``tru``), ascending.

    Raises:
        EventMismatchError: the events do not pair, or the reconstruction file holds none.
    """
    ours, theirs = rec.events, tru.events
    if not ours:
        raise EventMismatchError(f"{rec.path}: holds no event; leave it out or write it again.")
    if set(ours) <= set(theirs):
        return [(event, event) for event in ours]
    if len(ours) == len(theirs) and len({a - b for a, b in zip(ours, theirs, strict=True)}) == 1:
        return list(zip(ours, theirs, strict=True))
    raise EventMismatchError(
        f"{rec.path}: events {_short(ours)} against {_short(theirs)} in {tru.path}; expected "
        "the same ids, or the same number of ids with a constant difference. Pair the right files, "
        "or write both again."
    )


def _short(events: Sequence[int]) -> str:
    """Return a list of ids as text, shortened in the middle."""
    if len(events) <= 8:
        return str(list(events))
    head, tail = ", ".join(map(str, events[:4])), ", ".join(map(str, events[-2:]))
    return f"[{head}, ..., {tail}] ({len(events)})"
