"""A cache of prepared images on disk, shared by jobs."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from roilab.atomic_write import FULL
from roilab.data.image_codec import decode_image, encode_image
from roilab.data.image_index import ImageSource, ImageSpec
from roilab.data.shards import LOCKS, DamagedRecordError, Shards
from roilab.errors import RoilabError
from roilab.types import Frame

log = logging.getLogger(__name__)

# Increase it when prepare_image gives another result for the same frames and spec.
_FORMAT = 3
_ADVICE = (
    "Free space there, choose another folder with data.cache.dir=FOLDER, or set data.cache=null."
)
_ATTEMPTS = 3  # to lock and to store while another process removes the folder


class CacheError(RoilabError):
    """The cache folder cannot be written."""


def image_key(source: ImageSource, spec: ImageSpec) -> str:
    """Return the name of a prepared image: a hash of everything it depends on.

    These are both files (path, size, time of change), events, anode, channels, tags, ticks and
    rebin. Threshold, padding and scale are applied after the cache, so they are not part of it.

    Returns:
        32 hexadecimal digits.
    """
    content: dict[str, Any] = {"format": _FORMAT, "source": asdict(source), "recipe": asdict(spec)}
    del content["source"]["pair"]
    files = (source.pair.rec, source.pair.tru)
    content["files"] = [(str(path.resolve()), *_size_and_time(path)) for path in files]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _size_and_time(path: Path) -> tuple[int, int]:
    """Return size [bytes] and time of change [ns] of a file, or of all files of a folder."""
    stats = [p.stat() for p in (path, *(path.rglob("*") if path.is_dir() else ()))]
    return sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)


class ImageCache:
    """Prepared images in one folder of shards, limited in size.

    Images are stored with a checksum, and a lock prevents two jobs from preparing the same image.
    A damaged image is made again, and so is the folder if it is removed. At the limit, shards that
    no job has used since this job began are removed, the longest unused first; if that is not
    enough, new images are not stored.

    Args:
        dir: the folder.
        max_gb: limit on the sum of all images [1e9 bytes].
        advice: what to do where the folder cannot be written.
    """

    def __init__(self, dir: str | Path, max_gb: float, advice: str = _ADVICE) -> None:
        self.dir = Path(dir).expanduser()
        self.max_bytes = max_gb * 1e9
        self._advice = advice
        self.shards = Shards(self.dir, self.max_bytes)
        self._full = False

    def absent(self, keys: Sequence[str]) -> list[int]:
        """Return the positions of the keys whose images are not stored."""
        self.shards.refresh()
        for path, reason in self.shards.foreign.items():
            log.warning("%s: %s; its images are made again.", path, reason)
        self.shards.foreign.clear()
        return [n for n, key in enumerate(keys) if bytes.fromhex(key) not in self.shards]

    def size_bytes(self) -> int:
        """Return the sum of all images [bytes]."""
        return self.shards.size_bytes()

    def get(self, key: str, make: Callable[[], Frame]) -> Frame:
        """Return the image of a key: from disk, or else made and stored.

        Raises:
            CacheError: no space is left or the folder cannot be written.
        """
        if bytes.fromhex(key) not in self.shards:
            self.shards.refresh()
        image = self._load(key)
        if image is not None:
            return image
        with self._lock(key):
            return self._get_locked(key, make)

    def fill(self, key: str, make: Callable[[], Frame]) -> bool:
        """Store the image of a key, unless another job makes it; return ``False`` then.

        An image that is stored already is checked, and made again where it is damaged.

        Raises:
            CacheError: no space is left or the folder cannot be written.
        """
        try:
            if self.shards.read(bytes.fromhex(key)) is not None:
                return True
        except DamagedRecordError as error:
            log.warning("%s; made again.", error)
        try:
            with self._lock(key, timeout=0):
                self._get_locked(key, make)
        except Timeout:
            return False
        return True

    def _get_locked(self, key: str, make: Callable[[], Frame]) -> Frame:
        self.shards.refresh()  # another job may have stored it
        image = self._load(key)
        if image is None:
            image = make()
            self._store(key, image)
        return image

    @contextmanager
    def _lock(self, key: str, timeout: float = -1) -> Iterator[None]:
        """Lock the image of a key.

        Raises:
            Timeout: another job holds the lock for this long [s].
        """
        # 256 locks for all keys: few files, and jobs rarely wait for another image's lock.
        path = self.dir / LOCKS / f"{key[:2]}.lock"
        lock = FileLock(path, timeout=timeout)

        def acquire() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()

        self._attempt(acquire)
        try:
            yield
        finally:
            lock.release()

    def _attempt(self, action: Callable[[], None]) -> None:
        """Write into the folder, again where it was removed meanwhile.

        Raises:
            CacheError: it cannot be written.
        """
        for left in reversed(range(_ATTEMPTS)):
            try:
                return action()
            except Timeout:  # an OSError too
                raise
            except FileNotFoundError as error:
                if not left:
                    raise self._error(str(error)) from error
            except OSError as error:
                full = error.errno in FULL
                raise self._error("no space is left" if full else str(error)) from error

    def _error(self, reason: str) -> CacheError:
        return CacheError(
            f"{self.dir}: a prepared image cannot be stored: {reason}. {self._advice}"
        )

    def _load(self, key: str) -> Frame | None:
        try:
            record = self.shards.read(bytes.fromhex(key))
        except DamagedRecordError as error:
            log.warning("%s; made again.", error)
            return None
        return None if record is None else decode_image(record)

    def _store(self, key: str, image: Frame) -> None:
        if self._full:
            return
        record = encode_image(image)

        def write() -> None:
            self._full = not self.shards.write(bytes.fromhex(key), record)

        self._attempt(write)
        if self._full:
            log.warning(
                "%s: the limit of %.1f GB is reached; further images are read from the frames "
                "every time. Increase data.cache.max_gb to store them.",
                self.dir,
                self.max_bytes / 1e9,
            )
