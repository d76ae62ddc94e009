"""A cache of prepared images on disk, shared by jobs."""

import hashlib
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from roilab.atomic_write import FULL, DiskFullError, atomic_write, remove_leftovers
from roilab.checksum import array_checksum
from roilab.data.image_index import ImageSource, ImageSpec
from roilab.errors import RoilabError
from roilab.types import Frame

log = logging.getLogger(__name__)

# Increase it when prepare_image gives another result for the same frames and spec.
_FORMAT = 2
_IMAGES = "[!.]*.npy"  # without the temporary files of atomic_write
_MARK = b"ROI1"  # after the array, then its checksum; np.load ignores both
_TRAILER = 8  # bytes of these
_LONGEST_HEADER = 1024  # of a .npy file [bytes]
_ATTEMPTS = 3  # to lock and to store while another process removes the folder


class CacheError(RoilabError):
    """The cache folder cannot be written."""


def image_key(source: ImageSource, spec: ImageSpec) -> str:
    """Return the name of a prepared image: a hash of everything it depends on.

    These are both files (path, size, time of change), events, anode, channels, tags, ticks and
    rebin. Threshold, padding and scale are applied after the cache, so they are not part of it.
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
    """Prepared images as .npy files in one folder, limited in size.

    Images are written atomically with a checksum, and a lock prevents two jobs from preparing the
    same image. A damaged image is made again, and so is the folder if it is removed. At
    the limit, images that no job has used since this job began are removed, the longest unused
    first; if that is not enough, new images are not stored. ``max_gb`` limits the sum of all images
    [1e9 bytes].
    """

    def __init__(self, dir: str | Path, max_gb: float) -> None:
        self.dir = Path(dir).expanduser()
        self.max_bytes = int(max_gb * 1e9)
        self._began = time.time()
        self._full = False
        self._cleaned: set[str] = set()  # beginnings of keys without leftovers of killed jobs

    def __contains__(self, key: str) -> bool:
        return self._path(key).is_file()

    def size_bytes(self) -> int:
        """Return the sum of all images [bytes]."""
        return sum(stat.st_size for stat, _ in self._images())

    def get(self, key: str, make: Callable[[], Frame]) -> Frame:
        """Return the image of a key: from disk, or else made and stored.

        Raises:
            CacheError: no space is left or the folder cannot be written.
        """
        image = self._load(key, logging.DEBUG)
        if image is not None:
            return image
        with self._lock(key):
            image = self._load(key, logging.WARNING)
            if image is None:
                image = make()
                self._store(key, image)
            return image

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        # 256 locks for all keys: few files, and jobs rarely wait for another image's lock.
        path = self.dir / "locks" / f"{key[:2]}.lock"
        lock = FileLock(path)

        def acquire() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()

        self._attempt(acquire)
        try:
            if key[:2] not in self._cleaned:
                remove_leftovers(self.dir, f"{key[:2]}*.npy")
                self._cleaned.add(key[:2])
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
            except FileNotFoundError as error:
                if not left:
                    raise self._error(str(error)) from error
            except DiskFullError as error:
                raise self._error("no space is left") from error
            except OSError as error:
                full = error.errno in FULL
                raise self._error("no space is left" if full else str(error)) from error

    def _error(self, reason: str) -> CacheError:
        return CacheError(
            f"{self.dir}: a prepared image cannot be stored: {reason}. Free space there, "
            "choose another folder with data.cache.dir=FOLDER, or set data.cache=null."
        )

    def _path(self, key: str) -> Path:
        return self.dir / f"{key}.npy"

    def _load(self, key: str, level: int) -> Frame | None:
        path = self._path(key)
        try:
            image = _decode(np.fromfile(path, np.uint8))
        except FileNotFoundError:
            return None
        except (ValueError, OSError) as error:
            log.log(level, "%s: unreadable (%s); made again.", path, error)
            return None
        try:
            os.utime(path)  # other jobs see that it is in use
        except OSError:
            log.debug("%s: the time of use cannot be stored.", path)
        return image

    def _store(self, key: str, image: Frame) -> None:
        if not self._make_room(image.nbytes):
            return
        content = _encode(image)

        def write() -> None:
            with atomic_write(self._path(key)) as partial:
                partial.write_bytes(content)

        self._attempt(write)

    def _images(self) -> list[tuple[os.stat_result, Path]]:
        """List the images; other jobs may remove some meanwhile."""
        found = []
        for path in self.dir.glob(_IMAGES):
            with suppress(FileNotFoundError):
                found.append((path.stat(), path))
        return found

    def _make_room(self, needed: int) -> bool:
        """Remove unused images until the new one fits; return whether it fits."""
        if self._full:
            return False
        images = self._images()
        excess = sum(stat.st_size for stat, _ in images) + needed - self.max_bytes
        idle = sorted((s.st_mtime, s.st_size, p) for s, p in images if s.st_mtime < self._began)
        while excess > 0 and idle:
            _, size, path = idle.pop(0)
            path.unlink(missing_ok=True)
            excess -= size
        if excess > 0:
            self._full = True
            log.warning(
                "%s: the limit of %.1f GB is reached; further images are read from the frames "
                "every time. Increase data.cache.max_gb to store them.",
                self.dir,
                self.max_bytes / 1e9,
            )
        return not self._full


def _encode(image: Frame) -> bytes:
    """Return the contents of an image's file."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(image), allow_pickle=False)
    content = stream.getvalue()
    checksum = array_checksum(np.frombuffer(content, np.uint8))
    return content + _MARK + checksum.to_bytes(4, "little")


def _decode(content: NDArray[np.uint8]) -> Frame:
    """Return the image in a file's contents, without a copy.

    Raises:
        ValueError: the contents are not those that were written.
    """
    body, trailer = content[:-_TRAILER], content[-_TRAILER:].tobytes()
    if trailer != _MARK + array_checksum(body).to_bytes(4, "little"):
        raise ValueError("its checksum does not fit")
    header = io.BytesIO(body[:_LONGEST_HEADER].tobytes())
    np.lib.format.read_magic(header)
    shape, _, dtype = np.lib.format.read_array_header_1_0(header)
    image: Frame = body[header.tell() :].view(dtype).reshape(shape)
    return image
