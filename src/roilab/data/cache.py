"""A cache of prepared images on disk, shared by jobs."""

import errno
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from roilab.atomic_write import atomic_write
from roilab.data.image_index import ImageSource, ImageSpec
from roilab.errors import RoilabError
from roilab.types import Frame

log = logging.getLogger(__name__)

# Increase it when prepare_image gives another result for the same frames and spec.
_FORMAT = 1
_IMAGES = "[!.]*.npy"  # without the temporary files of atomic_write
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, None}  # numpy gives no number after an incomplete write


class CacheError(RoilabError):
    """The cache folder cannot be written."""


def image_key(source: ImageSource, spec: ImageSpec) -> str:
    """Return the name of a prepared image: a hash of everything it depends on.

    These are both files (path, size, time of change), events, anode, channels, tags, ticks and
    rebin. Threshold, padding and scale are applied after the cache, so they are not part of it.
    """
    content: dict[str, Any] = {"format": _FORMAT, "source": asdict(source), "recipe": asdict(spec)}
    files = content["source"].pop("pair").values()
    content["files"] = [(str(path.resolve()), *_size_and_time(path)) for path in files]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _size_and_time(path: Path) -> tuple[int, int]:
    """Return size [bytes] and time of change [ns] of a file, or of all files of a folder."""
    stats = [p.stat() for p in (path, *(path.rglob("*") if path.is_dir() else ()))]
    return sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)


class ImageCache:
    """Prepared images as .npy files in one folder, limited in size.

    Images are written atomically, and a lock prevents two jobs from preparing the same image. At
    the limit, images that no job has used since this job began are removed, the longest unused
    first; if that is not enough, new images are not stored. ``max_gb`` limits the sum of all images
    [1e9 bytes].
    """

    def __init__(self, dir: str | Path, max_gb: float) -> None:
        self.dir = Path(dir).expanduser()
        self.max_bytes = int(max_gb * 1e9)
        self._began = time.time()
        self._full = False

    def __contains__(self, key: str) -> bool:
        return self._path(key).is_file()

    def size_bytes(self) -> int:
        """Return the sum of all images [bytes]."""
        return sum(entry.stat().st_size for entry in self.dir.glob(_IMAGES))

    def get(self, key: str, make: Callable[[], Frame]) -> Frame:
        """Return the image of a key: from disk, or else made and stored.

        Raises:
            CacheError: no space is left or the folder cannot be written.
        """
        image = self._load(key)
        if image is not None:
            return image
        try:
            locks = self.dir / "locks"
            locks.mkdir(parents=True, exist_ok=True)
            # 256 locks for all keys: few files, and jobs rarely wait for another image's lock.
            with FileLock(locks / f"{key[:2]}.lock"):
                image = self._load(key)
                if image is None:
                    image = make()
                    self._store(key, image)
                return image
        except OSError as error:
            reason = "no space is left" if error.errno in _NO_SPACE else str(error)
            raise CacheError(
                f"{self.dir}: a prepared image cannot be stored: {reason}. Free space there, "
                "choose another folder with data.cache.dir=FOLDER, or set data.cache=null."
            ) from error

    def _path(self, key: str) -> Path:
        return self.dir / f"{key}.npy"

    def _load(self, key: str) -> Frame | None:
        path = self._path(key)
        try:
            image: Frame = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError) as error:
            log.warning("%s: unreadable (%s); made again.", path, error)
            return None
        try:
            os.utime(path)  # other jobs see that it is in use
        except OSError:
            log.debug("%s: the time of use cannot be stored.", path)
        return image

    def _store(self, key: str, image: Frame) -> None:
        if self._make_room(image.nbytes):
            with atomic_write(self._path(key)) as partial:
                np.save(partial, image, allow_pickle=False)

    def _make_room(self, needed: int) -> bool:
        """Remove unused images until the new one fits; return whether it fits."""
        if self._full:
            return False
        images = [(entry.stat(), entry) for entry in self.dir.glob(_IMAGES)]
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
