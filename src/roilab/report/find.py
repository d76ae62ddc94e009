"""Find runs in the folders a user names."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from roilab.errors import RoilabError
from roilab.report.run_record import NOT_STARTED, RunRecord, natural_order, read_run

_MAX_DEPTH = 4  # levels of folders below a named one


class ReportError(RoilabError):
    """There is nothing to report on, or the page cannot be written."""


def is_run_dir(folder: Path) -> bool:
    """Return whether a folder is that of one run."""
    files = ("status.json", ".hydra/config.yaml")
    return any((folder / file).is_file() for file in files) or any(folder.glob("csv/version_*"))


def find_runs(folders: Sequence[Path]) -> list[RunRecord]:
    """Read the runs in the folders of runs, of sweeps, or of these, each run once, in order.

    Raises:
        ReportError: a folder does not exist, or contains no run.
    """
    runs: dict[Path, RunRecord] = {}
    for folder in folders:
        _check_folder(folder)
        run_dirs = dict.fromkeys(_run_dirs(folder.resolve(), 0))
        if not run_dirs:
            raise ReportError(
                f"{folder}: there is no run in it; expected the folder of a run, with csv/ or "
                ".hydra/ inside, or of a sweep, with such folders inside. Name another."
            )
        for path in run_dirs:
            if path not in runs:
                absent = RunRecord(path, status={"state": NOT_STARTED})
                runs[path] = read_run(path) if is_run_dir(path) else absent
    return list(runs.values())


def _check_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    text = str(folder)
    hint = "Name folders one after the other, without key=" if "=" in text else "Check the path"
    what = "is a file, not a folder" if folder.exists() else "there is no such folder"
    raise ReportError(f"{text}: {what}. {hint}: python -m roilab.report FOLDER...")


def _run_dirs(folder: Path, depth: int) -> Iterator[Path]:
    """Yield folders of runs; of a sweep also those of jobs that have not started."""
    if is_run_dir(folder):
        yield folder
        return
    yield from (folder / name for name in _jobs_of_sweep(folder / "sweep.json"))
    if depth < _MAX_DEPTH:
        below = (path for path in folder.iterdir() if path.is_dir())
        for path in sorted(below, key=lambda path: natural_order(path.name)):
            if not path.name.startswith("."):
                yield from _run_dirs(path, depth + 1)


def _jobs_of_sweep(path: Path) -> list[str]:
    """Return the names of a sweep's jobs in its order; none where the file does not list them."""
    try:
        jobs = json.loads(path.read_text())["jobs"] or []
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in jobs if isinstance(name, str)]
