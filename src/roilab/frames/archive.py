"""Read numpy frame archives of WCT's ``FrameFileSink``: .npz, .tar, .tar.gz, .tar.bz2.

Members: ``frame_<tag>_<event>.npy``, ``channels_<tag>_<event>.npy``,
``tickinfo_<tag>_<event>.npy``.
"""

import math
import re
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from roilab.frames.base import FrameFile, Rows, TagInfo, tag_info
from roilab.frames.errors import FrameFileError

_MEMBER = re.compile(r"(?P<kind>frame|channels|tickinfo)_(?P<tag>.+)_(?P<event>-?\d+)\.npy")
_BLOCK_BYTES = 1 << 23


class ArchiveFrames(FrameFile):
    """One archive of numpy arrays, read in blocks; only the wanted rows are held in memory.

    A compressed tar has no index: every read starts at the front of the file. Prefer .npz or .tar
    for many events, or use the image cache.

    Raises:
        FrameFileError: the file is absent, of another format, or truncated.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._archive: zipfile.ZipFile | tarfile.TarFile
        try:
            if path.suffix == ".npz":
                self._archive = zipfile.ZipFile(path)
                names = self._archive.namelist()
            else:
                self._archive = tarfile.open(path, "r:*")  # noqa: SIM115 - closed in close()
                names = self._archive.getnames()
        except FileNotFoundError as error:
            raise FrameFileError(f"{path}: there is no such file; check the path.") from error
        except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
            raise FrameFileError(
                f"{path}: cannot be opened as a numpy archive ({error}). Expected a complete .npz, "
                ".tar, .tar.gz or .tar.bz2 frame file: make or copy it again."
            ) from error
        self._members: dict[tuple[int, str], dict[str, str]] = {}
        for name in names:
            if match := _MEMBER.fullmatch(name):
                key = (int(match["event"]), match["tag"])
                self._members.setdefault(key, {})[match["kind"]] = name

    @property
    def events(self) -> tuple[int, ...]:  # noqa: D102 - described in FrameFile
        return tuple(sorted({event for event, _ in self._members}))

    def tags(self, event: int) -> tuple[str, ...]:  # noqa: D102
        tags = [tag for (ident, tag), kinds in self._members.items() if ident == event]
        if not tags:
            raise FrameFileError(
                f"{self.path}: there is no event {event}; the file holds {list(self.events)}."
            )
        return tuple(sorted(tags))

    def _open(self, event: int, tag: str, kind: str) -> IO[bytes]:
        name = self._members[event, tag].get(kind)
        if name is None:
            raise FrameFileError(
                f"{self.path}: event {event}, tag '{tag}': '{kind}_{tag}_{event}.npy' is absent. "
                "Write the file again with WCT's FrameFileSink or roilab."
            )
        if isinstance(self._archive, zipfile.ZipFile):
            return self._archive.open(name)
        return cast(IO[bytes], self._archive.extractfile(name))

    def _load(self, event: int, tag: str, kind: str) -> NDArray[Any]:
        """Read a small, one-dimensional array."""
        with self._open(event, tag, kind) as stream:
            shape, _, dtype = _npy_header(stream)
            return _take(stream, (1, math.prod(shape)), dtype).ravel()

    def _read_info(self, event: int, tag: str) -> TagInfo:
        channels = self._load(event, tag, "channels")
        tickinfo = self._load(event, tag, "tickinfo")
        with self._open(event, tag, "frame") as stream:
            shape, _, dtype = _npy_header(stream)
        where = f"{self.path}: event {event}, tag '{tag}'"
        return tag_info(where, channels, tickinfo, shape, dtype)

    def _read_rows(self, event: int, tag: str, rows: Rows) -> NDArray[Any]:
        channel_first = self.info(event, tag).channel_first
        with self._open(event, tag, "frame") as stream:
            shape, fortran, dtype = _npy_header(stream)
            n_channels, n_ticks = shape if channel_first else shape[::-1]
            wanted = np.arange(n_channels)[rows]
            # Eigen's arrays are column-major, so WCT's files are commonly Fortran-ordered.
            if channel_first != fortran:
                return _stream_rows(stream, n_ticks, wanted, dtype)
            return _stream_columns(stream, (n_channels, n_ticks), wanted, dtype)

    def close(self) -> None:  # noqa: D102
        self._archive.close()


def _npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, Fortran order and sample type of an array."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("the array holds Python objects, which are never loaded")
    return shape, fortran, dtype


def _take(stream: IO[bytes], shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read the next ``shape`` samples of a stream, in C order."""
    count = shape[0] * shape[1] * dtype.itemsize
    data = stream.read(count)
    if len(data) != count:
        raise EOFError(f"{count - len(data)} bytes are missing")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _stream_rows(
    stream: IO[bytes], n_ticks: int, wanted: NDArray[np.intp], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Read an array stored row after row: in blocks of rows, up to the last wanted row."""
    samples = np.empty((len(wanted), n_ticks), dtype=dtype)
    block = max(1, _BLOCK_BYTES // (n_ticks * dtype.itemsize))
    stop = int(wanted[-1]) + 1 if len(wanted) else 0
    for first in range(0, stop, block):
        rows = _take(stream, (min(block, stop - first), n_ticks), dtype)
        inside = np.flatnonzero((wanted >= first) & (wanted < first + len(rows)))
        samples[inside] = rows[wanted[inside] - first]
    return samples


def _stream_columns(
    stream: IO[bytes], shape: tuple[int, int], wanted: NDArray[np.intp], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Read an array stored tick after tick: in blocks of ticks, keep the wanted channels."""
    n_channels, n_ticks = shape
    samples = np.empty((len(wanted), n_ticks), dtype=dtype)
    block = max(1, _BLOCK_BYTES // (n_channels * dtype.itemsize))
    for first in range(0, n_ticks, block):
        ticks = _take(stream, (min(block, n_ticks - first), n_channels), dtype)
        samples[:, first : first + len(ticks)] = ticks[:, wanted].T
    return samples
