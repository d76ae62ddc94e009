"""Output folders: a new one for each run, and a lock on one that is in use."""

import json
import os
import socket
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from roilab.atomic_write import write_json
from roilab.errors import RoilabError

_LOCK = ".lock"
_OWNER = ".lock.json"  # a second file, because an attempt to lock empties the first
# Names of both; they do not count as contents of a folder.
LOCK_FILES = (_LOCK, _OWNER)


class FolderError(RoilabError):
    """A folder cannot be made, or it is in use."""


def make_new_folder(folder: Path) -> Path:
    """Make a folder that did not exist: ``folder``, or ``folder-2``, ``folder-3``, ...

    The system makes a folder for one process only, so no two processes get the same.

    Raises:
        FolderError: the folder cannot be made there.
    """
    for number in count(1):
        path = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            if path.parent.is_dir():
                continue
            raise FolderError(f"{path.parent}: is a file; name another folder.") from None
        except OSError as error:
            raise _cannot_make(path, error) from error
        return path
    raise AssertionError("unreachable")


def lock_folder(folder: Path, advice: str, patience: float = 0.0) -> BaseFileLock:
    """Make a folder if it is absent, and lock it until ``release()`` or the end of this process.

    The lock of a process that has ended, however it ended, does not count.

    Args:
        folder: to lock.
        advice: end of the error's text: what to do instead of waiting.
        patience: seconds to wait for another process [s].

    Raises:
        FolderError: another process holds the lock, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)
        lock.acquire(timeout=patience)
    except Timeout:
        raise FolderError(
            f"{folder}: in use{_owner(folder)}; wait for its end, or {advice}."
        ) from None
    except OSError as error:
        raise _cannot_make(folder, error) from error
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    write_json(folder / _OWNER, owner)
    return lock


def _owner(folder: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        owner = json.loads((folder / _OWNER).read_text())
        return f" by process {owner['pid']} on {owner['host']} since {owner['since']}"
    return " by another process"


def _cannot_make(folder: Path, error: OSError) -> FolderError:
    return FolderError(
        f"{folder}: cannot be made or written to ({error.strerror}); expected a folder that can "
        "be written to. Name another."
    )
