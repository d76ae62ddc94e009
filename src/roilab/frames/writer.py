"""Write frame files of both containers."""

import io
import tarfile
import zipfile
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from roilab.atomic_write import atomic_write, explain_full_disk
from roilab.frames.errors import FrameFileError
from roilab.frames.hdf5_output import Hdf5Output
from roilab.frames.names import ARCHIVE_ENDINGS, HDF5_ENDINGS, ending_of

_ROWS_PER_CHUNK = 160
_LEVEL = 1  # of gzip and deflate


class _Container(ABC):
    """A file of named arrays."""

    has_summaries = True
    _file: Any

    @abstractmethod
    def write(self, event: int, kind: str, tag: str, array: NDArray[Any]) -> None: ...

    def close(self) -> None:
        self._file.close()


class _Hdf5(_Container):
    has_summaries = False

    def __init__(self, path: Path) -> None:
        self._output = Hdf5Output(path)
        self._file = h5py.File(self._output, "w")

    def write(self, event: int, kind: str, tag: str, array: NDArray[Any]) -> None:
        options: dict[str, Any] = {}
        if kind == "frame" and array.size:
            chunks = (min(_ROWS_PER_CHUNK, array.shape[0]), array.shape[1])
            options = {"chunks": chunks, "compression": "gzip", "compression_opts": _LEVEL}
            options["shuffle"] = True
        self._file.create_dataset(f"{event}/{kind}_{tag}", data=array, **options)
        self._output.raise_error()

    def close(self) -> None:
        with self._output:
            self._file.close()
            self._output.raise_error()


class _Zip(_Container):
    def __init__(self, path: Path) -> None:
        self._file = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def write(self, event: int, kind: str, tag: str, array: NDArray[Any]) -> None:
        with self._file.open(f"{kind}_{tag}_{event}.npy", "w", force_zip64=True) as stream:
            np.lib.format.write_array(stream, array, allow_pickle=False)


class _Tar(_Container):
    def __init__(self, path: Path, compression: str) -> None:
        self._file = tarfile.open(path, f"w:{compression}")  # type: ignore[call-overload]  # noqa: SIM115

    def write(self, event: int, kind: str, tag: str, array: NDArray[Any]) -> None:
        stream = io.BytesIO()
        np.lib.format.write_array(stream, array, allow_pickle=False)
        member = tarfile.TarInfo(f"{kind}_{tag}_{event}.npy")
        member.size = stream.tell()
        stream.seek(0)
        self._file.addfile(member, stream)


def _container(name: str, path: Path) -> _Container:
    """Open a container at ``path``; the ending of the final file name chooses it."""
    ending = ending_of(name)
    if ending in HDF5_ENDINGS:
        return _Hdf5(path)
    if ending not in ARCHIVE_ENDINGS:
        raise FrameFileError(
            f"{name}: a frame file ends in {', '.join((*HDF5_ENDINGS, *ARCHIVE_ENDINGS))}; choose "
            "one."
        )
    compression = ARCHIVE_ENDINGS[ending]
    return _Zip(path) if compression is None else _Tar(path, compression)


def compression_of(container: str) -> str:
    """Return how the frames of a container (``h5``, ``npz``, ...) are compressed, in words."""
    ending = f".{container}"
    if ending in HDF5_ENDINGS:
        return f"gzip {_LEVEL} with shuffle"
    compression = ARCHIVE_ENDINGS[ending]
    if compression is None:
        return f"deflate {_LEVEL}"
    return compression or "not compressed"


class FrameWriter:
    """Write one frame file atomically: ``with FrameWriter(path) as writer: writer.add(...)``.

    The ending of ``path`` chooses the container.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with ExitStack() as stack:
            partial = stack.enter_context(atomic_write(self.path))
            self._container = _container(self.path.name, partial)
            stack.callback(self._container.close)
            self._stack = stack.pop_all()

    def add(
        self,
        event: int,
        tag: str,
        samples: ArrayLike,
        channels: ArrayLike,
        start_ns: float,
        tick_ns: float,
        tbin: int = 0,
        summary: ArrayLike | None = None,
    ) -> None:
        """Add one tag of one event: samples (channel, tick) and the channel id of every row.

        ``tag`` ends in the APA number; column 0 is tick ``tbin`` after the time ``start_ns`` [ns].
        ``summary`` is one number per row, which the toolkit keeps beside a tag; its archives
        have a place for it, its HDF5 files have none.

        Raises:
            FrameFileError: the numbers of rows and channels, or of rows and summary, differ.
            DiskFullError: no space is left.
        """
        samples, channels = np.asarray(samples), np.asarray(channels, dtype=np.int32)
        if samples.ndim != 2 or len(samples) != len(channels):
            raise FrameFileError(
                f"{self.path}: event {event}, tag '{tag}': samples of shape {samples.shape} "
                f"against {len(channels)} channels; expected one row per channel."
            )
        numbers = None if summary is None else np.asarray(summary, dtype=np.float64)
        if numbers is not None and numbers.shape != (len(samples),):
            raise FrameFileError(
                f"{self.path}: event {event}, tag '{tag}': a summary of shape {numbers.shape} "
                f"against {len(samples)} rows; expected one number per row."
            )
        tickinfo = np.array([start_ns, tick_ns, tbin], dtype=np.float64)
        # Here, since other files may be open too, which would take the error for theirs.
        with explain_full_disk(self.path, "an earlier file of this name is unchanged"):
            self._container.write(event, "frame", tag, samples)
            self._container.write(event, "channels", tag, channels)
            self._container.write(event, "tickinfo", tag, tickinfo)
            if numbers is not None and self._container.has_summaries:
                self._container.write(event, "summary", tag, numbers)

    @property
    def holds_summaries(self) -> bool:
        """Whether the container has a place for summaries."""
        return self._container.has_summaries

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.__exit__(*exception)
