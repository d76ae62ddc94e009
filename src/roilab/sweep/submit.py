"""``submit=htcondor``: describe jobs for a batch system instead of running them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from roilab.building import build
from roilab.config import read_part
from roilab.config.parts import PARTS
from roilab.console import text_console
from roilab.sweep.folder import Sweep, SweepError
from roilab.sweep.htcondor import HTCondor
from roilab.sweep.launch import user_config_dir

_JOB = "$(job)"


class Submitted(SystemExit):
    """The jobs are described; the command ends here with success."""

    def __init__(self) -> None:
        super().__init__(0)


def check_no_submit(config: DictConfig) -> None:
    """Refuse ``submit`` for a single run.

    Raises:
        SweepError: it is given.
    """
    if config.get("submit") is not None:
        raise SweepError(
            "submit describes the jobs of a sweep, but this is a single run; add -m (one job, if "
            "every key has one value), or leave submit out."
        )


def read_batch(config: DictConfig) -> HTCondor | None:
    """Return the settings of the jobs; ``None`` where the command trains itself.

    Raises:
        RoilabError: (its subclasses) a setting does not fit.
    """
    section = config.get("submit")
    if section is None:
        return None
    settings: Any = OmegaConf.to_container(section, resolve=True)
    target = settings.pop("_target_")
    if target in PARTS:
        settings = read_part(target, settings, "submit")
    batch: HTCondor = build("submit", {"_target_": target, **settings})
    return batch


def submit_sweep(config: DictConfig, batch: HTCondor, sweep: Sweep) -> None:
    """Write the submit description of a sweep into its folder and say how to use it.

    Raises:
        RoilabError: (its subclasses) the jobs are not known before, or a setting does not fit.
    """
    if sweep.jobs is None:
        raise SweepError(
            "submit with a sweeper that chooses its jobs while it runs; use roilab search with "
            "submit instead."
        )
    folder = sweep.output_dir.absolute()
    arguments = ["-m", "roilab.sweep", str(folder), _JOB]
    config_dir = user_config_dir(config.hydra)
    if config_dir is not None:
        arguments += ["--config-dir", str(Path(config_dir).absolute())]
    _write(batch, folder, arguments, sweep.jobs, config.grace_s)


def submit_search(config: DictConfig, batch: HTCondor, folder: Path, argv: Sequence[str]) -> None:
    """The same for the processes of a search.

    Args:
        config: of the search.
        batch: settings of the jobs.
        folder: of the study.
        argv: arguments of the command.
    """
    kept = [one for one in argv if not re.match(r"\+*submit[.=]", one)]
    names = [f"process-{number + 1}" for number in range(batch.processes)]
    arguments = ["-m", "roilab.search", *kept]
    _write(batch, folder.absolute(), arguments, names, config.grace_s)


def _write(
    batch: HTCondor, folder: Path, arguments: Sequence[str], names: Sequence[str], grace_s: float
) -> None:
    path = batch.write(folder, arguments, names, grace_s)
    text = f"{len(names)} jobs are described, none is started; to submit them: condor_submit {path}"
    text_console().print(text)
