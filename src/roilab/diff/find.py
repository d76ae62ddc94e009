"""Find the run that a path names."""

from pathlib import Path

from roilab.errors import RoilabError
from roilab.report.find import is_run_dir
from roilab.report.run_record import RunRecord, natural_order, read_run
from roilab.run_folder import run_of

_SHOWN = 4  # jobs of a sweep that a message names


class DiffError(RoilabError):
    """A path is not that of a run."""


def find_run(path: Path) -> RunRecord:
    """Read the run of a folder, or of a checkpoint in the folder of a run.

    Raises:
        DiffError: there is no such run.
    """
    if not path.exists():
        raise DiffError(f"{path}: there is no such folder; check the path.")
    folder = path.resolve()
    if folder.is_file():
        folder = run_of(folder) or folder.parent
    if is_run_dir(folder):
        return read_run(folder)
    if (path / "sweep.json").is_file():
        jobs = [job.name for job in path.iterdir() if is_run_dir(job)]
        first = ", ".join(sorted(jobs, key=natural_order)[:_SHOWN]) or "none"
        raise DiffError(
            f"{path}: is the folder of a sweep with {len(jobs)} jobs; name one of them: {first}"
            f"{', ...' if len(jobs) > _SHOWN else '.'}"
        )
    raise DiffError(
        f"{path}: is not the folder of a run; expected one with status.json or .hydra/config.yaml."
    )
