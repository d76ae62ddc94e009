"""Keep what describes a run if an attempt to resume it fails before it has trained."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from roilab.atomic_write import write_bytes
from roilab.errors import RoilabError
from roilab.sweep.status import FILE

# Hydra, the status and the page of the run replace these at once.
_FILES = (".hydra/*.yaml", FILE, "report.html")


@dataclass(frozen=True)
class _EarlierRun:
    """Files of a run, as they were before it is resumed."""

    folder: Path
    files: dict[Path, bytes]
    checkpoints: dict[Path, int]  # with the times of their changes [ns]


_kept: list[_EarlierRun] = []


def keep_run(folder: Path) -> None:
    """Keep the files that describe the run in a folder, until ``earlier_run_kept`` ends."""
    files = {path: path.read_bytes() for pattern in _FILES for path in folder.glob(pattern)}
    _kept.append(_EarlierRun(folder, files, _checkpoints(folder)))


@contextmanager
def earlier_run_kept() -> Iterator[None]:
    """Write the kept files again where the command ends without a new checkpoint of the run."""
    try:
        yield
    except BaseException:
        for run in _kept:
            if run.checkpoints and _checkpoints(run.folder) == run.checkpoints:
                _restore(run)
        raise
    finally:
        _kept.clear()


def _checkpoints(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("checkpoints/*.ckpt")}


def _restore(run: _EarlierRun) -> None:
    for path, content in run.files.items():
        with suppress(RoilabError, OSError):  # the error that ended the command is shown
            if not path.is_file() or path.read_bytes() != content:
                write_bytes(path, content)
