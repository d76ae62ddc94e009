"""Finding runs in the folders a user names."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from roilab.errors import RoilabError
from roilab.report.job import NOT_STARTED, Job, natural, read_job

_DEEPEST = 4  # levels of folders below a named one


class ReportError(RoilabError):
    """There is nothing to report on."""


def is_job(folder: Path) -> bool:
    """Whether this is a run's own folder."""
    signs = ("status.json", ".hydra/config.yaml")
    return any((folder / sign).is_file() for sign in signs) or any(folder.glob("csv/version_*"))


def find_jobs(folders: Sequence[Path]) -> list[Job]:
    """The runs in runs' and sweeps' folders, each once, in order.

    Args:
        folders: of runs, of sweeps, or of anything that holds some of these.

    Raises:
        ReportError: a folder does not exist, or holds no run.
    """
    jobs: dict[Path, Job] = {}
    for folder in folders:
        found = dict.fromkeys(_look(folder.resolve(), 0)) if _exists(folder) else {}
        if not found:
            raise ReportError(
                f"{folder}: there is no run in it; expected the folder of a run, with csv/ or "
                ".hydra/ inside, or of a sweep, with such folders inside. Name another."
            )
        for each in found:
            if each not in jobs:
                jobs[each] = (
                    read_job(each) if is_job(each) else Job(each, status={"state": NOT_STARTED})
                )
    return list(jobs.values())


def _exists(folder: Path) -> bool:
    if folder.is_dir():
        return True
    text = str(folder)
    hint = "Name folders one after the other, without key=" if "=" in text else "Check the path"
    what = "is a file, not a folder" if folder.exists() else "there is no such folder"
    raise ReportError(f"{text}: {what}. {hint}: python -m roilab.report FOLDER...")


def _look(folder: Path, depth: int) -> Iterator[Path]:
    """Folders of runs; of a sweep also those that it has not begun."""
    if is_job(folder):
        yield folder
        return
    yield from (folder / name for name in _listed(folder / "sweep.json"))
    if depth < _DEEPEST:
        below = (each for each in folder.iterdir() if each.is_dir())
        for each in sorted(below, key=lambda path: natural(path.name)):
            if not each.name.startswith("."):
                yield from _look(each, depth + 1)


def _listed(path: Path) -> list[str]:
    """Names of a sweep's jobs, in its order; none where it does not say."""
    try:
        jobs = json.loads(path.read_text())["jobs"] or []
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in jobs if isinstance(name, str)]
