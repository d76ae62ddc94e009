"""Pair reconstruction with truth: files by name, events by id."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from roilab.frames.base import FrameFile
from roilab.frames.errors import EventMismatchError, FrameFileError
from roilab.frames.names import ROOT_ENDINGS, shown_events


@dataclass(frozen=True, order=True)
class FilePair:
    """A reconstruction file and its truth file."""

    rec: Path
    tru: Path
    dir: Path | None = field(default=None, compare=False)  # folder that was searched

    @property
    def name(self) -> str:
        """Name of the reconstruction file, with its folder below the one that was searched."""
        return self.rec.name if self.dir is None else str(self.rec.relative_to(self.dir))


def match_files(folder: Path, rec_pattern: str, tru_pattern: str) -> list[FilePair]:
    """Pair the files of a folder by the texts that both patterns match with ``*``.

    ``g4-rec-*.h5`` with ``g4-tru-*.h5`` pairs ``g4-rec-7.h5`` with ``g4-tru-7.h5``;
    ``*/g4-rec-*.h5`` with ``*/g4-tru-*.h5`` does so in every folder below.

    Returns:
        The pairs in order of their names.

    Raises:
        FrameFileError: the patterns have no or not the same number of ``*``, the folder is absent,
            no file matches, or a reconstruction file has no truth file.
    """
    counts = [pattern.count("*") for pattern in (rec_pattern, tru_pattern)]
    if counts[0] != counts[1] or counts[0] < 1 or "**" in rec_pattern + tru_pattern:
        raise FrameFileError(
            f"file pattern '{rec_pattern}' has {counts[0]} '*', '{tru_pattern}' has {counts[1]}; "
            "expected the same number in both, at least 1, for the texts that a reconstruction "
            "file and its truth file share. Set data.rec and data.tru."
        )
    if not folder.is_dir():
        raise FrameFileError(f"{folder}: there is no such folder; set data.dir.")
    regex = re.compile("([^/]*)".join(map(re.escape, rec_pattern.split("*"))))
    pairs = []
    for rec in sorted(folder.glob(rec_pattern)):
        match = regex.fullmatch(rec.relative_to(folder).as_posix())
        if match is None:
            raise FrameFileError(
                f"{rec}: does not fit the pattern '{rec_pattern}' with '*' as its only wildcard; "
                "set data.rec to such a pattern."
            )
        pairs.append(FilePair(rec, _truth_file(rec, folder, tru_pattern, match.groups()), folder))
    if not pairs:
        raise FrameFileError(
            f"{folder}: no file matches '{rec_pattern}'; set data.dir and data.rec to where the "
            "reconstruction files are."
        )
    return pairs


def _truth_file(rec: Path, folder: Path, pattern: str, shared: Sequence[str]) -> Path:
    """Return the truth file of a reconstruction file: its pattern with the shared texts."""
    parts = pattern.split("*")
    tru = folder / "".join(chain.from_iterable(zip(parts, (*shared, ""), strict=True)))
    if not tru.exists():  # a folder, for a reader of the user
        raise FrameFileError(
            f"{rec}: its truth file {tru} is absent. Put it there, or set data.rec and "
            "data.tru to patterns that pair your files."
        )
    return tru


def truth_name(rec: Path) -> Path | None:
    """Return the truth file that a name pairs with: ``g4-tru-7.h5`` for ``g4-rec-7.h5``.

    ``None`` for a name without ``rec``; the file need not exist.
    """
    tru = rec.with_name(rec.name.replace("rec", "tru", 1))
    return None if tru == rec else tru


def truth_beside(rec: Path) -> Path | None:
    """Return the existing truth file beside a reconstruction file, see ``truth_name``.

    A ROOT file without one is its truth file itself: it commonly holds the truth tags too.
    """
    tru = truth_name(rec)
    if tru is not None and tru.exists():
        return tru
    return rec if rec.suffix in ROOT_ENDINGS else None


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
        f"{rec.path}: events {shown_events(ours)} against {shown_events(theirs)} in {tru.path}; "
        "expected the same ids, or the same number of ids with a constant difference. Pair the "
        "right files, or write both again."
    )
