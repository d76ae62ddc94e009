"""A disk cache of prepared images that many jobs can share."""

import errno
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from roilab.data.image_index import ImageRecipe, ImageSource
from roilab.errors import RoilabError

log = logging.getLogger(__name__)

# Raise it when what prepare_image makes of the same frames and recipe changes.
_FORMAT = 1
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, None}  # numpy gives no number when it wrote too little


class CacheError(RoilabError):
    """The cache folder cannot be written."""


def image_key(source: ImageSource, recipe: ImageRecipe) -> str:
    """Name of a prepared image: a hash of all that changes it.

    Both files (path, size, time of change), events, anode, channels, tags, ticks and rebin are in
    it. Threshold, padding and scale are not: they are applied to what the cache holds.
    """
    described: dict[str, Any] = {
        "format": _FORMAT,
        "source": asdict(source),
        "recipe": asdict(recipe),
    }
    described["files"] = [
        (str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns)
        for path in (source.pair.rec, source.pair.tru)
    ]
    described["source"].pop("pair")
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:32]


class ImageCache:
    """Prepared images as .npy files in one folder, bounded in size.

    Images are written under a temporary name and renamed, and a lock keeps two jobs from making
    the same one twice. When the bound is reached, images that nobody used since this job began
    make room, the longest unused first; if that is not enough, new images are simply not kept.

    Args:
        dir: the folder; made when first written to.
        max_gb: bound on the sum of all images [1e9 bytes].
    """

    def __init__(self, dir: str | Path, max_gb: float) -> None:
        self.dir = Path(dir).expanduser()
        self.max_bytes = int(max_gb * 1e9)
        self._began = time.time()
        self._full = False

    def __contains__(self, key: str) -> bool:
        return self._path(key).is_file()

    def size_bytes(self) -> int:
        """Sum of all images [bytes]."""
        return sum(entry.stat().st_size for entry in self.dir.glob("*.npy"))

    def get(self, key: str, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """The image of this key, from disk or freshly made and then kept.

        Raises:
            CacheError: no space is left or the folder cannot be written; nothing stays half
                written.
        """
        image = self._load(key)
        if image is not None:
            return image
        try:
            locks = self.dir / "locks"
            locks.mkdir(parents=True, exist_ok=True)
            # One lock for every 256th key: few files, and jobs hardly ever wait for each other
            # over different images.
            with FileLock(locks / f"{key[:2]}.lock"):
                image = self._load(key)
                if image is None:
                    image = make()
                    self._store(key, image)
                return image
        except OSError as error:
            reason = "no space is left" if error.errno in _NO_SPACE else str(error)
            raise CacheError(
                f"{self.dir}: a prepared image cannot be kept: {reason}. Free space there, choose "
                "another folder with data.cache.dir=FOLDER, or do without by data.cache=null."
            ) from error

    def _path(self, key: str) -> Path:
        return self.dir / f"{key}.npy"

    def _load(self, key: str) -> NDArray[np.float32] | None:
        path = self._path(key)
        try:
            image: NDArray[np.float32] = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError, OSError) as error:
            log.warning("%s: unreadable (%s); made again.", path, error)
            return None
        try:
            os.utime(path)  # tells others that it is in use
        except OSError:
            log.debug("%s: the time of use cannot be noted.", path)
        return image

    def _store(self, key: str, image: NDArray[np.float32]) -> None:
        if not self._make_room(image.nbytes):
            return
        descriptor, partial = tempfile.mkstemp(prefix=f".{key}.", suffix=".partial", dir=self.dir)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                np.save(stream, image, allow_pickle=False)
            os.replace(partial, self._path(key))
        finally:
            Path(partial).unlink(missing_ok=True)

    def _make_room(self, needed: int) -> bool:
        if self._full:
            return False
        images = [(entry.stat(), entry) for entry in self.dir.glob("*.npy")]
        excess = sum(stat.st_size for stat, _ in images) + needed - self.max_bytes
        idle = sorted((s.st_mtime, s.st_size, p) for s, p in images if s.st_mtime < self._began)
        while excess > 0 and idle:
            _, size, path = idle.pop(0)
            path.unlink(missing_ok=True)
            excess -= size
        if excess > 0:
            self._full = True
            log.warning(
                "%s: the bound of %.1f GB is reached; further images are read from the frames "
                "every time. Raise data.cache.max_gb to keep them.",
                self.dir,
                self.max_bytes / 1e9,
            )
        return not self._full
