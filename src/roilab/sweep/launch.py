"""Start one training as a job of a sweep, in this process; Hydra is initialized on ``conf/``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import run_job as run_hydra_job
from hydra.errors import CompactHydraException
from hydra.experimental.callback import Callback
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, open_dict

from roilab.command_line.paths import expand_paths
from roilab.config import check_config
from roilab.errors import RoilabError
from roilab.sweep.job import run_job


class JobError(RoilabError):
    """A job failed; the text says why."""


# Overrides of Hydra that each job gets anew.
_RENEWED = ("hydra.mode=", "hydra.run.", "hydra.sweep.", "hydra.sweeper.", "hydra/sweeper=")


def hydra_overrides(hydra: Any) -> list[str]:
    """Return the overrides of Hydra's settings that the jobs of a command share."""
    return [one for one in hydra.overrides.hydra if not one.lstrip("+").startswith(_RENEWED)]


def user_config_dir(hydra: Any) -> str | None:
    """Return the folder that ``--config-dir`` names; ``None`` where it is not given."""
    sources = (one for one in hydra.runtime.config_sources if one.provider == "command-line")
    return next((str(one.path) for one in sources if one.schema == "file"), None)


def compose_jobs(command: Sequence[str], folder: Path) -> DictConfig:
    """Compose what the jobs of a sweep have in common.

    Args:
        command: their common overrides.
        folder: of the sweep.

    Raises:
        HydraException: an override does not fit.
    """
    overrides = [*command, f"hydra.sweep.dir='{folder}'"]
    loader = GlobalHydra.instance().config_loader()
    return loader.load_configuration("train", overrides, RunMode.MULTIRUN)


def compose_job(jobs: DictConfig, name: str, overrides: Sequence[str], number: int) -> DictConfig:
    """Compose one job; the arguments are those of ``launch_job``."""
    loader = GlobalHydra.instance().config_loader()
    config = loader.load_sweep_config(jobs, [*overrides, f"hydra.sweep.subdir={name}"])
    with open_dict(config):
        config.hydra.job.id, config.hydra.job.num = str(number), number
    return config


def launch_job(jobs: DictConfig, name: str, overrides: Sequence[str], number: int) -> None:
    """Run one job with the configuration, folder, log and record of a job of a sweep.

    Args:
        jobs: what ``compose_jobs`` returned.
        name: of the job's folder in that of the sweep.
        overrides: all overrides of the job, also the common ones.
        number: of the job in the sweep, from 0.

    Raises:
        RoilabError: (its subclasses) any mistake that the user can correct.
    """
    config = compose_job(jobs, name, overrides, number)
    failures: list[Exception] = []

    def task(job: DictConfig) -> None:
        try:
            expand_paths(job)
            check_config(job, "train")
            run_job(job)
        except Exception as error:  # raised below; Hydra would only keep it
            failures.append(error)

    loader = GlobalHydra.instance().config_loader()
    context = HydraContext(config_loader=loader, callbacks=Callback())  # type: ignore[arg-type]
    run_hydra_job(
        task_function=task,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
        hydra_context=context,
    )
    for failure in failures:
        # The text of an error of the user, or of another one with its type.
        raise JobError(str(failure)) if isinstance(failure, CompactHydraException) else failure
