"""Read HDF5 frame files of WCT's ``HDF5FrameTap``.

Layout: ``/<event>/frame_<tag>``, ``/<event>/channels_<tag>``, ``/<event>/tickinfo_<tag>``.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from roilab.frames.base import FrameFile, Rows, TagInfo, tag_info
from roilab.frames.errors import FrameFileError

_FRAME = "frame_"


class Hdf5Frames(FrameFile):
    """One HDF5 frame file, opened read-only and without locking (shared disks may forbid locks).

    Raises:
        FrameFileError: the file is absent, not HDF5, or truncated.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._file = h5py.File(path, "r", locking=False)
        except FileNotFoundError as error:
            raise FrameFileError(f"{path}: there is no such file; check the path.") from error
        except OSError as error:
            raise FrameFileError(
                f"{path}: cannot be opened as HDF5 ({error}). Expected a complete HDF5 frame file; "
                "it is of another format, truncated, or not readable: make or copy it again."
            ) from error
        self._events = {int(name): name for name in self._file if name.lstrip("-").isdigit()}

    @property
    def events(self) -> tuple[int, ...]:  # noqa: D102 - described in FrameFile
        return tuple(sorted(self._events))

    def _group(self, event: int) -> Any:
        if event not in self._events:
            raise FrameFileError(
                f"{self.path}: there is no event {event}; the file holds {list(self.events)}."
            )
        return self._file[self._events[event]]

    def tags(self, event: int) -> tuple[str, ...]:  # noqa: D102
        names = self._group(event).keys()
        return tuple(sorted(n.removeprefix(_FRAME) for n in names if n.startswith(_FRAME)))

    def _read_info(self, event: int, tag: str) -> TagInfo:
        group, arrays = self._group(event), []
        where = f"{self.path}: event {event}, tag '{tag}'"
        for kind in ("channels", "tickinfo"):
            name = f"{kind}_{tag}"
            if name not in group:
                raise FrameFileError(
                    f"{where}: '{name}' is absent. "
                    "Write the file again with WCT's HDF5FrameTap or roilab."
                )
            arrays.append(group[name][...])
        channels, tickinfo = arrays
        frame = group[_FRAME + tag]
        return tag_info(where, channels, tickinfo, frame.shape, frame.dtype)

    def _read_rows(self, event: int, tag: str, rows: Rows) -> NDArray[Any]:
        frame = self._group(event)[_FRAME + tag]
        channel_first = self.info(event, tag).channel_first
        return np.asarray(frame[rows] if channel_first else frame[:, rows].T)

    def close(self) -> None:  # noqa: D102
        self._file.close()
