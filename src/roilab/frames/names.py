"""Names in frame files: endings, event numbers, APA numbers of tags; names in messages."""

import re
from collections.abc import Sequence

# Endings of archives, with the compression of a tar as tarfile names it; None for a zip archive.
ARCHIVE_ENDINGS: dict[str, str | None] = {
    ".npz": None,
    ".zip": None,
    ".tar": "",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tbz2": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
}
HDF5_ENDINGS = (".h5", ".hdf5")
ROOT_ENDINGS = (".root",)  # read, never written
# Recognised only for a clear message: Python 3.11 to 3.13 cannot unpack it.
ZSTD_ENDINGS = (".tar.zst", ".tzst")

# As settings say: files that are written, and files that are read.
CONTAINERS = tuple(ending[1:] for ending in (*HDF5_ENDINGS, *ARCHIVE_ENDINGS))
READABLE = (*CONTAINERS, *(ending[1:] for ending in ROOT_ENDINGS))

META_FILE = "meta.json"  # beside the frame files of a sample: the truth of every event
SIMULATION_FILE = "simulation.json"  # beside simulated frame files: how they were made

_EVENT = re.compile(r"-?[0-9]{1,18}")
_LONGEST = 80


def ending_of(name: str) -> str:
    """Return the ending of a frame file's name; an empty text if it is none of those known."""
    known = (*HDF5_ENDINGS, *ARCHIVE_ENDINGS, *ZSTD_ENDINGS, *ROOT_ENDINGS)
    return max((ending for ending in known if name.endswith(ending)), key=len, default="")


def event_number(name: str) -> int | None:
    """Return the event that a name stands for; ``None`` if it is no integer of 64 bits."""
    return int(name) if _EVENT.fullmatch(name) else None


def apa_of(tag: str) -> str:
    """Return the APA number that a tag ends in; empty if it has none, or one of over 9 digits."""
    digits = tag[len(tag.rstrip("0123456789")) :]
    return digits if len(digits) <= 9 else ""


def shown(name: str) -> str:
    """Return a name from a file as printable text of at most 80 characters."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name[: 2 * _LONGEST])
    if len(name) > _LONGEST or len(text) > _LONGEST:
        return f"{text[: _LONGEST - 30]}... ({len(name)} characters)"
    return text


def shown_tags(tags: Sequence[str]) -> str:
    """Return a list of tags as text, at most 20 of them."""
    more = f", ... ({len(tags)})" if len(tags) > 20 else ""
    return ", ".join(shown(tag) for tag in tags[:20]) + more or "none"


def shown_events(events: Sequence[int]) -> str:
    """Return a list of ids as text, shortened in the middle."""
    if len(events) <= 8:
        return str(list(events))
    head, tail = ", ".join(map(str, events[:4])), ", ".join(map(str, events[-2:]))
    return f"[{head}, ..., {tail}] ({len(events)})"
