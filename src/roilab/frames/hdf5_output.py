"""A file that HDF5 writes, whose errors do not reach HDF5."""

import io
from pathlib import Path


class Hdf5Output(io.RawIOBase):
    """File for ``h5py.File(Hdf5Output(path), "w")`` on a disk that may be full.

    libhdf5 cannot close a file that it cannot write, and ends the process. Here the first error of
    the system is kept, later writes are dropped, and ``raise_error`` raises it.

    Args:
        path: the new file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._error: OSError | None = None

    def raise_error(self) -> None:
        """Raise the first error of writing.

        Raises:
            OSError: something could not be written.
        """
        if self._error is not None:
            raise self._error

    def write(self, content: memoryview) -> int:  # type: ignore[override]  # noqa: D102
        content = memoryview(content).cast("B")
        rest = content
        try:
            while self._error is None and rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._error = error
        return len(content)

    def truncate(self, size: int | None = None) -> int:  # noqa: D102
        try:
            if self._error is None:
                self._file.truncate(size)
        except OSError as error:
            self._error = error
        return self._file.tell() if size is None else size

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # noqa: D102
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: D102
        return self._file.seek(offset, whence)

    def tell(self) -> int:  # noqa: D102
        return self._file.tell()

    def readable(self) -> bool:  # noqa: D102
        return True

    def writable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
