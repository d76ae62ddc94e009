"""Find the run that a path names."""

from pathlib import Path

from roilab.errors import RoilabError
from roilab.report.find import is_run_dir
from roilab.report.run_record import RunRecord, read_run


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
        folder = folder.parent.parent  # RUN/checkpoints/best.ckpt
    if is_run_dir(folder):
        return read_run(folder)
    if (path / "sweep.json").is_file():
        jobs = sorted(job.name for job in path.iterdir() if is_run_dir(job))
        raise DiffError(
            f"{path}: is the folder of a sweep; name one of its jobs: {', '.join(jobs) or 'none'}."
        )
    raise DiffError(
        f"{path}: is not the folder of a run; expected one with status.json or .hydra/config.yaml."
    )
