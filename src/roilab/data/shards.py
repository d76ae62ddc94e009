"""A folder of shards: files of many records each, which several jobs read and extend at once.

A shard is two files: ``N.records``, where records follow each other, and ``N.index``, with one
entry of fixed size a record: key, offset, length and checksum. A record is written before its
entry, so whatever a killed job leaves behind is never read. Nothing is changed in place; a folder
becomes smaller by the removal of its longest unused shards.
"""

import logging
import os
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from roilab.errors import RoilabError

log = logging.getLogger(__name__)

_MAGIC = b"roilab shard 1\n\n"
_ENTRY = struct.Struct("<16sQQI")  # key, offset, length, CRC-32 of the record
_CHECK = struct.Struct("<I")  # CRC-32 of the entry, which follows it
_ENTRY_BYTES = _ENTRY.size + _CHECK.size
_SHARD_BYTES = 512e6  # a shard above this size gets no more records,
_SHARD_PART = 0.125  # and one above this part of the folder's limit


class ShardError(RoilabError):
    """A folder of shards cannot be used."""


class Shards:
    """Records by key (16 bytes) in the shards of one folder.

    Args:
        folder: made at the first record.
        max_bytes: limit on the sum of all shards.

    Raises:
        ShardError: a shard has another format.
    """

    def __init__(self, folder: Path, max_bytes: float) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._shard_bytes = min(_SHARD_BYTES, _SHARD_PART * max_bytes)
        self._began = time.time()
        self._entries: dict[bytes, tuple[str, int, int, int]] = {}
        self._indexed: dict[str, int] = {}  # bytes of each index that were read
        self._used: set[str] = set()
        self._full = False
        self.refresh()

    def __contains__(self, key: bytes) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def keys(self) -> list[bytes]:
        """Return the keys of all records, in no particular order."""
        return list(self._entries)

    def refresh(self) -> None:
        """Read what other jobs have added, and forget the shards they have removed."""
        present = {path.stem: path for path in sorted(self.folder.glob("*.index"))}
        for name in self._indexed.keys() - present.keys():
            del self._indexed[name]
            self._entries = {k: e for k, e in self._entries.items() if e[0] != name}
        for name, path in present.items():
            self._read_index(name, path)

    def read(self, key: bytes) -> bytes | None:
        """Return a record; ``None`` where there is none, or a damaged one."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        name, offset, length, checksum = entry
        path = self._records(name)
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                record = file.read(length)
        except OSError as error:
            log.warning("%s: cannot be read (%s); made again.", path, error.strerror)
            record = b""
        if len(record) != length or zlib.crc32(record) != checksum:
            if record:
                log.warning("%s: the record at byte %d is damaged; made again.", path, offset)
            del self._entries[key]
            return None
        self._mark_used(name)
        return record

    def write(self, key: bytes, record: bytes) -> bool:
        """Add a record; return whether there was room for it.

        Raises:
            OSError: no space is left, or the folder cannot be written.
        """
        if not self._make_room(len(record)):
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        name, lock = self._shard_to_extend()
        try:
            offset = self._append(self._records(name), record, _MAGIC)
            entry = _ENTRY.pack(key, offset, len(record), zlib.crc32(record))
            self._append_entry(name, entry + _CHECK.pack(zlib.crc32(entry)))
        finally:
            lock.release()
        self._entries[key] = (name, offset, len(record), zlib.crc32(record))
        return True

    def size_bytes(self) -> int:
        """Return the sum of all shards [bytes]."""
        return sum(path.stat().st_size for path in self.folder.glob("*.records"))

    def _records(self, name: str) -> Path:
        return self.folder / f"{name}.records"

    def _read_index(self, name: str, path: Path) -> None:
        """Read the entries of an index that were added since the last time."""
        begin = self._indexed.get(name, 0)
        with path.open("rb") as file:
            if begin == 0:
                if (magic := file.read(len(_MAGIC))) != _MAGIC:
                    if _MAGIC.startswith(magic):
                        return  # a job is about to write it
                    raise ShardError(
                        f"{path}: has another format than this version of roilab reads; name "
                        "another folder, or remove this one and prepare the images again."
                    )
                begin = len(_MAGIC)
            file.seek(begin)
            added = file.read()
        complete = len(added) - len(added) % _ENTRY_BYTES
        for first in range(0, complete, _ENTRY_BYTES):
            entry = added[first : first + _ENTRY.size]
            if _CHECK.unpack_from(added, first + _ENTRY.size) != (zlib.crc32(entry),):
                log.warning("%s: the entry at byte %d is damaged; ignored.", path, begin + first)
                continue
            key, *place = _ENTRY.unpack(entry)
            self._entries[key] = (name, *place)
        self._indexed[name] = begin + complete

    def _shard_to_extend(self) -> tuple[str, FileLock]:
        """Return a shard that is not full and that no other job extends, with its lock held."""
        number = 0
        while True:
            name = f"{number:06d}"
            path = self._records(name)
            if not path.is_file() or path.stat().st_size < self._shard_bytes:
                lock = FileLock(self.folder / f"{name}.lock")
                with suppress(Timeout):
                    lock.acquire(timeout=0)
                    return name, lock
            number += 1

    def _append(self, path: Path, added: bytes, start: bytes) -> int:
        """Append bytes to a file that begins with ``start``; return their offset."""
        with path.open("ab") as file:
            if file.tell() == 0:
                file.write(start)
            offset = file.tell()
            try:
                file.write(added)
                file.flush()
            except OSError:
                with suppress(OSError):
                    os.truncate(path, offset)
                raise
        return offset

    def _append_entry(self, name: str, entry: bytes) -> None:
        path = self.folder / f"{name}.index"
        if path.is_file():  # cut off what a killed job left
            size = path.stat().st_size
            rest = (size - len(_MAGIC)) % _ENTRY_BYTES if size >= len(_MAGIC) else size
            if rest:
                os.truncate(path, size - rest)
        self._append(path, entry, _MAGIC)

    def _mark_used(self, name: str) -> None:
        """Let other jobs see that a shard is in use."""
        if name not in self._used:
            with suppress(OSError):
                os.utime(self._records(name))
            self._used.add(name)

    def _make_room(self, needed: int) -> bool:
        """Remove unused shards until a record fits; return whether it fits."""
        if self._full:
            return False
        shards = [(path.stat(), path) for path in self.folder.glob("*.records")]
        excess = sum(stat.st_size for stat, _ in shards) + needed - self.max_bytes
        if excess <= 0:
            return True
        idle = sorted((s.st_mtime, s.st_size, p) for s, p in shards if s.st_mtime < self._began)
        while excess > 0 and idle:
            _, size, path = idle.pop(0)
            with suppress(Timeout), FileLock(path.with_suffix(".lock"), timeout=0):
                # The index first: a record without an entry is never read.
                path.with_suffix(".index").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                excess -= size
        self.refresh()
        self._full = excess > 0
        return not self._full
