"""Open only regular files: a pipe or device would wait for data that never come."""

import stat
from pathlib import Path

from roilab.frames.errors import FrameFileError


def check_regular_file(path: Path) -> None:
    """Check that a path is a regular file, or a link to one.

    Raises:
        FrameFileError: it is absent, a folder, a pipe or a device, or cannot be reached.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FrameFileError(f"{path}: there is no such file; check the path.") from error
    except (OSError, ValueError) as error:
        raise FrameFileError(
            f"{path}: cannot be opened ({error}); expected a frame file. Check the path."
        ) from error
    if not stat.S_ISREG(mode):
        what = "folder" if stat.S_ISDIR(mode) else "pipe, socket or device"
        raise FrameFileError(f"{path}: is a {what}; expected a frame file. Name a file.")
