"""Writing frame files in both containers, whole or not at all."""

import io
import os
import tarfile
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from roilab.frames.errors import FrameFileError

_ROWS_PER_CHUNK = 160


class _Container(ABC):
    """Where arrays go; both containers name them alike but for the event's place."""

    @abstractmethod
    def write(self, event: int, kind: str, tag: str, array: NDArray[Any]) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class _Hdf5(_Container):
    def __init__(self, path: Path) -> None:
        self._file = h5py.File(path, "w", locking=False)

    def write(self, event: int, kind: str, tag: str, array: NDArray[Any]) -> None:
        options: dict[str, Any] = {}
        if kind == "frame" and array.size:
            chunks = (min(_ROWS_PER_CHUNK, array.shape[0]), array.shape[1])
            options = {"chunks": chunks, "compression": "gzip", "compression_opts": 1}
            options["shuffle"] = True
        self._file.create_dataset(f"{event}/{kind}_{tag}", data=array, **options)

    def close(self) -> None:
        self._file.close()


class _Zip(_Container):
    def __init__(self, path: Path) -> None:
        self._file = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)

    def write(self, event: int, kind: str, tag: str, array: NDArray[Any]) -> None:
        with self._file.open(f"{kind}_{tag}_{event}.npy", "w", force_zip64=True) as stream:
            np.lib.format.write_array(stream, array, allow_pickle=False)

    def close(self) -> None:
        self._file.close()


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

    def close(self) -> None:
        self._file.close()


def _container(name: str, path: Path) -> _Container:
    """The container that a final file name asks for, written at ``path``."""
    if name.endswith((".h5", ".hdf5")):
        return _Hdf5(path)
    if name.endswith(".npz"):
        return _Zip(path)
    for suffix, compression in ((".tar", ""), (".tar.gz", "gz"), (".tar.bz2", "bz2")):
        if name.endswith(suffix):
            return _Tar(path, compression)
    raise FrameFileError(
        f"{name}: a frame file ends in .h5, .hdf5, .npz, .tar, .tar.gz or .tar.bz2; choose one."
    )


class FrameWriter:
    """Writes one frame file; it appears under its name only when complete.

    ``with FrameWriter(path) as writer: writer.add(...)``. The ending of ``path`` chooses the
    container. Leaving the block by an error leaves no file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._container = _container(self.path.name, self._partial)

    def add(
        self,
        event: int,
        tag: str,
        samples: ArrayLike,
        channels: ArrayLike,
        start_ns: float,
        tick_ns: float,
        tbin: int = 0,
    ) -> None:
        """Add one tag of one event.

        Args:
            event: event id.
            tag: full tag, ending in the APA number.
            samples: shape (channel, tick).
            channels: channel id of every row, shape (channel,).
            start_ns: start time of the frame [ns].
            tick_ns: length of a tick [ns].
            tbin: tick at which column 0 stands.

        Raises:
            FrameFileError: rows and channels differ in number.
        """
        samples, channels = np.asarray(samples), np.asarray(channels, dtype=np.int32)
        if samples.ndim != 2 or len(samples) != len(channels):
            raise FrameFileError(
                f"{self.path}: event {event}, tag '{tag}': samples of shape {samples.shape} "
                f"against {len(channels)} channels; expected one row a channel."
            )
        self._container.write(event, "frame", tag, samples)
        self._container.write(event, "channels", tag, channels)
        tickinfo = np.array([start_ns, tick_ns, tbin], dtype=np.float64)
        self._container.write(event, "tickinfo", tag, tickinfo)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        try:
            self._container.close()
            if error is None:
                self._partial.replace(self.path)
        finally:
            self._partial.unlink(missing_ok=True)
