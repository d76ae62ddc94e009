"""Write files atomically: complete under their name, or not there at all.

Every file of roilab is written through this module.
"""

import csv
import errno
import io
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roilab.errors import RoilabError

if TYPE_CHECKING:  # matplotlib takes time to import
    from matplotlib.figure import Figure

# No space left, quota reached, and the largest size of a file that the system allows.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PARTIAL = re.compile(r"\.(?P<stem>.+)\.(?P<pid>\d+)\.partial(?P<suffix>.*)", re.DOTALL)


class DiskFullError(RoilabError):
    """A file cannot be written, because no space is left."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path; sync it to disk and rename it to ``path`` on success.

    The folder of ``path`` is made where it is absent. The temporary file is hidden, lies in the
    same folder, has the same suffix and is removed when writing fails.

    Raises:
        DiskFullError: no space is left; there is no new file, and an earlier one is unchanged.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    with explain_full_disk(path, "an earlier file of this name is unchanged"):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            sync(partial)
            partial.replace(path)
            sync(path.parent)  # a name is part of its folder, which the disk keeps apart
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def explain_full_disk(path: Path, kept: str) -> Iterator[None]:
    """Raise ``DiskFullError`` in place of the system's error while a file is written.

    Args:
        path: the file.
        kept: end of the message: what is not lost.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFullError(
                f"{path}: cannot be written: no space is left ({error.strerror}). Free space "
                f"there, or choose another folder; {kept}."
            ) from error
        raise


def check_space(folder: Path, n_bytes: int) -> None:
    """Check that a folder has space for some bytes, by writing and removing them.

    Raises:
        DiskFullError: it has not.
    """
    path = folder / f".space.{os.getpid()}.partial"
    with explain_full_disk(folder, "nothing is written"):
        try:
            path.write_bytes(bytes(n_bytes))
            sync(path)
        finally:
            path.unlink(missing_ok=True)


def remove_leftovers(folder: Path, pattern: str = "*") -> None:
    """Remove the temporary files of processes that were killed while they wrote.

    Call it only where no other machine writes such files: under a lock, or in the folder of one
    run. Files of processes that run on this machine are kept.

    Args:
        folder: may be absent.
        pattern: names of the files that were to be written, such as ``model.*``.
    """
    for path in folder.glob(".*.partial*"):
        match = _PARTIAL.fullmatch(path.name)
        if match is None or not fnmatchcase(match["stem"] + match["suffix"], pattern):
            continue
        if int(match["pid"]) == os.getpid() or not _is_running(int(match["pid"])):
            path.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk, not only in the system's memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file."""
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file; NaN and infinity, which JSON does not have, become ``null``."""
    write_text(path, json.dumps(_finite(content), indent=2) + "\n")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one line a row; columns in order of first appearance, NaN and missing cells empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    write_text(path, text.getvalue())


def save_figure(path: Path, figure: "Figure", **options: Any) -> None:
    """Write a matplotlib figure, with options of ``savefig``; the suffix gives the format."""
    with atomic_write(path) as partial:
        figure.savefig(partial, **options)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def _finite(value: Any) -> Any:
    """Copy a JSON value with ``None`` in place of every NaN and infinity."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
