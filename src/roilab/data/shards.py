"""A folder of shards: files of many records each, which several jobs read and extend at once.

A shard is two files: ``NAME.records``, where records follow each other, and ``NAME.index``. A
record is written before its entry in the index, so whatever a killed job leaves is never read.
Nothing is changed in place; a folder becomes smaller by the removal of its longest unused shards.
Names are random: after a removal none occurs again, so no job takes a new shard for an old one.
"""

import logging
import math
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from roilab.atomic_write import sync
from roilab.checksum import array_checksum
from roilab.data.shard_index import (
    Place,
    ShardFormatError,
    append,
    append_entry,
    read_index,
    take_back,
)

log = logging.getLogger(__name__)

_SHARD_BYTES = 512e6  # a shard above this size gets no more records,
_SHARD_PART = 1 / 8  # and one above this part of the folder's limit
_TOUCH_S = 10.0  # between two marks that a shard is in use [s]
LOCKS = "locks"  # folder of the lock files


class DamagedRecordError(Exception):
    """A record cannot be read, or is not what was written; the text says where."""


class Shards:
    """Records by key (16 bytes) in the shards of one folder.

    Nothing is read before ``refresh``.

    Args:
        folder: made at the first record.
        max_bytes: limit on the sum of all shards.

    Attributes:
        foreign: indexes of another format, with the reason.
    """

    def __init__(self, folder: Path, max_bytes: float = math.inf) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self.foreign: dict[Path, str] = {}
        self._shard_bytes = min(_SHARD_BYTES, _SHARD_PART * max_bytes)
        # Jobs mark what they use this often, and file systems round times.
        self._began = time.time() - 2 * _TOUCH_S
        self._places: dict[bytes, list[Place]] = {}  # more than one after damage
        self._indexed: dict[str, int] = {}  # bytes of each index that were read
        self._touched: dict[str, float] = {}
        self._last = ""  # shard that was extended last

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def refresh(self) -> None:
        """Read what other jobs have added, and forget the shards they have removed."""
        present = sorted(path.stem for path in self.folder.glob("*.index"))
        for name in self._indexed.keys() - set(present):
            self._forget(name)
        for name in present:
            self._read_index(name)

    def read(self, key: bytes) -> NDArray[np.uint8] | None:
        """Return a record; ``None`` where there is none.

        Raises:
            DamagedRecordError: it is damaged; the next call returns ``None``.
        """
        reason = ""
        for place in list(self._places.get(key, ())):
            path = self._records(place.shard)
            try:
                record = np.fromfile(path, np.uint8, place.length, offset=place.offset)
            except FileNotFoundError:
                self._forget(place.shard)
                continue
            except OSError as error:
                reason = f"{path}: cannot be read ({error.strerror})"
            else:
                if len(record) == place.length and array_checksum(record) == place.checksum:
                    self._touch(place.shard)
                    return record
                reason = f"{path}: damaged at byte {place.offset} (its checksum does not fit)"
            self._drop(key, place)
        if reason:
            raise DamagedRecordError(reason)
        return None

    def write(self, key: bytes, record: bytes) -> bool:
        """Add a record; return whether there was room for it.

        Raises:
            OSError: no space is left, or the folder cannot be written or was removed meanwhile.
        """
        if not self._make_room(len(record)):
            return False
        with self._shard_to_extend() as name:
            path = self._records(name)
            offset = append(path, record)
            checksum = array_checksum(np.frombuffer(record, np.uint8))
            try:
                append_entry(self._index(name), key, Place(name, offset, len(record), checksum))
            except OSError:
                take_back(path, offset)
                raise
        self._read_index(name)
        return True

    def size_bytes(self) -> int:
        """Return the sum of all shards [bytes]."""
        return sum(stat.st_size for stat, _ in self._stats())

    def sizes(self) -> dict[str, int]:
        """Return the bytes that the records of every shard need, by name."""
        ends: dict[str, int] = {}
        for places in self._places.values():
            for place in places:
                ends[place.shard] = max(ends.get(place.shard, 0), place.offset + place.length)
        return ends

    def sync(self) -> None:
        """Wait until all shards are on the disk, not only in the system's memory."""
        for path in (*self.folder.glob("*.records"), *self.folder.glob("*.index"), self.folder):
            sync(path)

    def _records(self, name: str) -> Path:
        return self.folder / f"{name}.records"

    def _index(self, name: str) -> Path:
        return self.folder / f"{name}.index"

    def _read_index(self, name: str) -> None:
        """Read the entries that were added to an index since the last time."""
        path = self._index(name)
        try:
            found, self._indexed[name], damaged = read_index(path, self._indexed.get(name, 0))
        except ShardFormatError as error:
            self.foreign[path] = str(error)
        except FileNotFoundError:  # removed since
            self._forget(name)
        else:
            for key, place in found:
                self._places.setdefault(key, []).append(place)
            if damaged:
                log.warning("%s: %d entries are damaged; ignored.", path, damaged)

    def _forget(self, name: str) -> None:
        """Forget a shard that was removed."""
        self._indexed.pop(name, None)
        gone = [(key, p) for key, places in self._places.items() for p in places if p.shard == name]
        for key, place in gone:
            self._drop(key, place)

    def _drop(self, key: bytes, place: Place) -> None:
        places = self._places[key]
        places.remove(place)
        if not places:
            del self._places[key]

    @contextmanager
    def _shard_to_extend(self) -> Iterator[str]:
        """Give the name of a shard that has room, locked against other jobs."""
        names = [self._last, *self._indexed, secrets.token_hex(4)]
        (self.folder / LOCKS).mkdir(parents=True, exist_ok=True)
        for name in names:
            if name in self._indexed or name == names[-1]:
                with self._locked(name) as locked:
                    if locked and (name == names[-1] or self._has_room(name)):
                        self._last = name
                        yield name
                        return

    @contextmanager
    def _locked(self, name: str) -> Iterator[bool]:
        """Lock a shard, if no other job has; give whether this succeeded."""
        lock = FileLock(self.folder / LOCKS / f"{name}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _has_room(self, name: str) -> bool:
        """Return whether a shard exists and may grow; call it with the shard locked."""
        try:
            return self._records(name).stat().st_size < self._shard_bytes
        except FileNotFoundError:  # removed to make room
            return False

    def _touch(self, name: str) -> None:
        """Let other jobs see that a shard is in use."""
        now = time.monotonic()
        if now - self._touched.get(name, -math.inf) > _TOUCH_S:
            with suppress(OSError):
                os.utime(self._records(name))
            self._touched[name] = now

    def _stats(self) -> Iterator[tuple[os.stat_result, Path]]:
        """List the shards; other jobs may remove some meanwhile."""
        for path in self.folder.glob("*.records"):
            with suppress(FileNotFoundError):
                yield path.stat(), path

    def _make_room(self, needed: int) -> bool:
        """Remove unused shards until a record fits; return whether it fits."""
        if self.max_bytes == math.inf:
            return True
        shards = list(self._stats())
        excess = sum(stat.st_size for stat, _ in shards) + needed - self.max_bytes
        idle = sorted((s.st_mtime, s.st_size, p) for s, p in shards if s.st_mtime < self._began)
        while excess > 0 and idle:
            _, size, path = idle.pop(0)
            if self._remove(path.stem):
                excess -= size
        return excess <= 0

    def _remove(self, name: str) -> bool:
        """Remove a shard that no other job extends; return whether it was removed."""
        (self.folder / LOCKS).mkdir(parents=True, exist_ok=True)
        with self._locked(name) as locked:
            if locked:
                # The index first: a record without an entry is never read.
                self._index(name).unlink(missing_ok=True)
                self._records(name).unlink(missing_ok=True)
                (self.folder / LOCKS / f"{name}.lock").unlink(missing_ok=True)
                self._forget(name)
        return locked
