"""One job of a sweep that has a folder: for batch systems, which start each job separately."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import open_dict

from roilab.command_line.paths import expand_paths
from roilab.config import check_config
from roilab.sweep.folder import SweepError, jobs_of
from roilab.sweep.launch import compose_job, compose_jobs, launch_job
from roilab.sweep.names import SWEEP_FILE


@dataclass(frozen=True)
class OneJob:
    """A job of a sweep.

    Attributes:
        folder: of the sweep.
        name: of the job's folder in it.
        number: of the job, from 0.
        overrides: of the job.
    """

    folder: Path
    name: str
    number: int
    overrides: Sequence[str]

    @classmethod
    def of(cls, folder: Path, name: str, search: Sequence[str]) -> "OneJob":
        """Find a job in ``sweep.json``; Hydra is initialized on ``conf/``.

        Args:
            folder: of the sweep.
            name: of the job's folder.
            search: overrides of Hydra's search path.

        Raises:
            SweepError: there is no such sweep or job.
        """
        path = folder / SWEEP_FILE
        try:
            command = [str(one) for one in json.loads(path.read_text())["command"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SweepError(
                f"{path}: cannot be read ({error}); expected the folder of a sweep, with the file "
                "that roilab train -m has written. Name another folder."
            ) from error
        jobs = jobs_of(command)
        if name not in jobs:
            raise SweepError(
                f"{folder}: has no job {name}; expected one of {', '.join(jobs)}. Name one of them."
            )
        overrides = [*search, *jobs[name]]
        return cls(folder, name, list(jobs).index(name), overrides)

    def run(self) -> None:
        """Train as the job of the sweep; go on where it was interrupted.

        Raises:
            RoilabError: (its subclasses) any mistake that the user can correct.
        """
        jobs = compose_jobs(self.overrides, self.folder)
        launch_job(jobs, self.name, self.overrides, self.number)

    def dry_run(self) -> None:
        """Check the job and print its expected memory and time; write nothing.

        Raises:
            RoilabError: (its subclasses) the training would fail.
        """
        from roilab.train.dry_run import dry_run  # torch takes seconds to import

        jobs = compose_jobs(self.overrides, self.folder)
        config = compose_job(jobs, self.name, self.overrides, self.number)
        before = HydraConfig.instance().cfg
        with open_dict(config):
            config.hydra.runtime.output_dir = str(self.folder / self.name)
        try:
            HydraConfig.instance().set_config(config)
            with open_dict(config):
                del config["hydra"]
            expand_paths(config)
            check_config(config, "train")
            dry_run(config)
        finally:
            HydraConfig.instance().cfg = before
