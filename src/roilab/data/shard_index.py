"""Indexes of shards: one entry of fixed size for every record, checked all at once."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Of index, entries and records; increase its number when one of them changes.
MAGIC = b"roilab shard 01\n"
_ENTRY = np.dtype(
    [("key", "V16"), ("offset", "<u8"), ("length", "<u8"), ("checksum", "<u8"), ("check", "<u8")]
)
# The check of an entry is a sum of its words with odd factors, so any single bit changes it. The
# constant makes an entry of zeros, which a crash of the system can leave, a wrong one.
_FACTORS = np.array([0x9E3779B97F4A7C15 * n | 1 for n in range(1, 6)], np.object_)
_FACTORS = (_FACTORS % 2**64).astype(np.uint64)
_CONSTANT = np.array([0x726F696C6162], np.uint64)


class ShardFormatError(Exception):
    """An index was not written by this version of roilab."""


class Place(NamedTuple):
    """Where a record is."""

    shard: str  # name
    offset: int  # [bytes]
    length: int  # [bytes]
    checksum: int  # ``roilab.checksum.array_checksum`` of its bytes


def read_index(path: Path, begin: int) -> tuple[list[tuple[bytes, Place]], int, int]:
    """Read the entries that were added to an index.

    An entry that a job is writing at the moment, or that a killed job left incomplete, is not
    read.

    Args:
        path: of the index; its name without suffix is the shard's.
        begin: end of the bytes that were read before, 0 the first time.

    Returns:
        Keys (16 bytes) and places of the records; the end of the bytes that were read; and the
        number of damaged entries, which are left out.

    Raises:
        ShardFormatError: the index has another format.
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        if begin == 0:
            magic = file.read(len(MAGIC))
            if len(magic) < len(MAGIC) and MAGIC.startswith(magic):
                return [], 0, 0  # a job is about to write it
            if magic != MAGIC:
                raise ShardFormatError(f"begins with {magic!r}, not with {MAGIC!r}")
            begin = len(MAGIC)
        file.seek(begin)
        added = file.read()
    entries = np.frombuffer(added, _ENTRY, len(added) // _ENTRY.itemsize)
    good = entries[entries["check"] == _checks(entries)]
    found = [(key, Place(path.stem, *place)) for key, *place, _ in good.tolist()]
    return found, begin + entries.nbytes, len(entries) - len(good)


def append_entry(path: Path, key: bytes, place: Place) -> None:
    """Append an entry to an index; what a killed job left incomplete is cut off.

    Call it with the shard locked.

    Raises:
        OSError: no space is left, or the folder cannot be written; the index is unchanged.
    """
    entry = np.zeros(1, _ENTRY)
    entry["key"] = np.void(key)
    for name in ("offset", "length", "checksum"):
        entry[name] = getattr(place, name)
    entry["check"] = _checks(entry)
    size = path.stat().st_size if path.is_file() else 0
    end = size - (size - len(MAGIC)) % _ENTRY.itemsize if size >= len(MAGIC) else 0
    if end < size:
        os.truncate(path, end)
    append(path, entry.tobytes() if end else MAGIC + entry.tobytes())


def append(path: Path, added: bytes) -> int:
    """Append bytes to a file, all or none; return their offset.

    Raises:
        OSError: no space is left, or the folder cannot be written.
    """
    with path.open("ab", buffering=0) as file:
        offset = file.seek(0, os.SEEK_END)
        rest = memoryview(added)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            take_back(path, offset)
            raise
    return offset


def take_back(path: Path, size: int) -> None:
    """Cut a file to its former size, where that is possible; one of 0 bytes was not there."""
    with suppress(OSError):
        if size:
            os.truncate(path, size)
        else:
            path.unlink()


def _checks(entries: NDArray[Any]) -> NDArray[np.uint64]:
    words = entries.view(np.uint64).reshape(-1, _ENTRY.itemsize // 8)[:, :-1]
    sums: NDArray[np.uint64] = (words * _FACTORS).sum(axis=1, dtype=np.uint64) + _CONSTANT
    return sums
