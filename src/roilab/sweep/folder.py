"""Folder of a sweep: check the command, list the jobs, write or compare ``sweep.json``."""

import itertools
import json
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from roilab.atomic_write import write_json
from roilab.config import check_config
from roilab.errors import RoilabError
from roilab.folder_lock import lock_folder
from roilab.report.setting_names import override_key
from roilab.sweep.names import SWEEP_FILE, folder_name, values
from roilab.sweep.status import now


class SweepError(RoilabError):
    """A sweep cannot be started or resumed, or its folder belongs to another one."""


@dataclass
class Sweep:
    """Sweep that this process runs."""

    output_dir: Path
    jobs: list[str] | None  # names of their folders, in order; None for a search, not known before
    lock: BaseFileLock  # held while the sweep runs
    report: bool = True  # whether its page is written at its end

    def job_folders(self) -> list[Path]:
        """List the folders of the jobs, whether or not they exist yet."""
        if self.jobs is not None:
            return [self.output_dir / name for name in self.jobs]
        return sorted(path.parent for path in self.output_dir.glob("*/status.json"))


def claim_folder(config: DictConfig) -> Sweep:
    """Check that a sweep can run, lock its folder and write ``sweep.json``.

    Raises:
        SweepError: the folder belongs to another sweep or is in use, or two jobs are the same.
        ConfigCompositionException: (of Hydra) an override does not fit.
    """
    command = _command(config)
    overrides = _parse(command)
    keys = [override_key(one.get_key_element()) for one in overrides if one.is_sweep_override()]
    swept = list(dict.fromkeys(keys))
    check_jobs(config, command)
    jobs = None
    if config.hydra.sweeper._target_.endswith(".BasicSweeper"):
        jobs = list(jobs_of(command))
    output_dir, resumed = Path(config.hydra.sweep.dir), config.sweep.resume is not None
    path = output_dir / SWEEP_FILE
    if resumed and not path.is_file():
        raise SweepError(
            f"sweep.resume={output_dir}: there is no {SWEEP_FILE}, so this is not the folder of a "
            "sweep; name the folder that the sweep printed at its end, or leave sweep.resume out "
            "to start a new sweep."
        )
    lock = lock_folder(output_dir, "choose another folder with sweep.dir=FOLDER")
    if resumed:
        _check_same_command(path, command)
    elif path.is_file():
        lock.release()
        raise SweepError(
            f"{output_dir}: holds a sweep already; resume it with sweep.resume={output_dir}, or "
            "choose another folder with sweep.dir=FOLDER."
        )
    else:
        content = {"format": 1, "command": command, "swept": swept, "jobs": jobs, "started": now()}
        write_json(path, content)
    return Sweep(output_dir, jobs, lock, bool(config.report))


def _parse(command: Sequence[str]) -> list[Override]:
    loader = GlobalHydra.instance().config_loader()
    return OverridesParser.create(config_loader=loader).parse_overrides(list(command))


def _command(config: DictConfig) -> list[str]:
    """Return all overrides: of the command line, and parameters in the sweeper's YAML."""
    params = config.hydra.sweeper.get("params") or {}
    overrides = [f"{key}={value}" for key, value in params.items()]
    overrides += config.hydra.overrides.task
    return [one for one in overrides if not re.match(r"(sweep|submit)(\.|$)", override_key(one))]


def check_jobs(config: DictConfig, command: Sequence[str]) -> DictConfig:
    """Compose and check the first job, and it with every other value of each key that varies.

    So a mistake in the values of the last job ends the sweep before its first.

    Args:
        config: what all jobs have in common, composed.
        command: their overrides, with lists of values.

    Returns:
        The configuration of the first job.

    Raises:
        RoilabError: (its subclasses) a value does not fit.
        ConfigCompositionException: (of Hydra) an override does not fit.
    """
    overrides = _parse(command)
    first: list[str] = []
    others: list[tuple[int, str]] = []
    for one in overrides:
        if one.is_discrete_sweep():
            key, (text, *texts) = one.get_key_element(), one.sweep_string_iterator()
            others += [(len(first), f"{key}={another}") for another in texts]
            first.append(f"{key}={text}")
        elif not one.is_sweep_override():
            first.append(one.input_line or "")
    job = _compose(config, first)
    _check_job(job)
    for position, override in others:
        ((key, value),) = values([override]).items()
        if _is_value(job, key):
            another = deepcopy(job)
            OmegaConf.update(another, key, value)
        else:  # of a group: another file
            another = _compose(config, [*first[:position], override, *first[position + 1 :]])
        _check_job(another)
    return job


def _compose(config: DictConfig, overrides: list[str]) -> DictConfig:
    job = GlobalHydra.instance().config_loader().load_sweep_config(config, overrides)
    with open_dict(job):
        job.hydra.runtime.output_dir = "."
        job.hydra.job.id = job.hydra.job.num = 0
    return job


def _is_value(job: DictConfig, key: str) -> bool:
    """Return whether a key is that of a value, not of a group."""
    node = OmegaConf.select(job, key, default=None)
    return node is not None and not isinstance(node, DictConfig)


def _check_job(job: DictConfig) -> None:
    """Check the configuration of a job, with the resolvers that need it as Hydra's."""
    before = HydraConfig.instance().cfg
    try:
        HydraConfig.instance().set_config(job)
        check_config(job, job.hydra.job.config_name)
    finally:
        HydraConfig.instance().cfg = before


def jobs_of(command: Sequence[str]) -> dict[str, list[str]]:
    """Return the overrides of all jobs by name, in the order in which Hydra's sweeper runs them.

    Args:
        command: overrides of a sweep.

    Raises:
        SweepError: two jobs are the same, or an override needs a sweeper that searches.
    """
    fixed: list[str] = []
    choices: dict[str, list[str]] = {}
    for one in _parse(command):
        key = one.get_key_element()
        if one.is_discrete_sweep():
            choices[key] = [f"{key}={value}" for value in one.sweep_string_iterator()]
        elif one.is_sweep_override():
            raise SweepError(
                f"{one.input_line}: needs a sweeper that searches; expected a list of values "
                f"({key}=1,2,3), or hydra/sweeper=NAME."
            )
        else:
            fixed.append(one.input_line or "")
    jobs = [list(job) for job in itertools.product(*choices.values())]
    names = [folder_name(job, number) for number, job in enumerate(jobs)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SweepError(
            f"{len(names)} jobs, but more than one is {repeated[0]}; expected different values. "
            "Give every value of a key once."
        )
    return {name: [*fixed, *job] for name, job in zip(names, jobs, strict=True)}


def _check_same_command(path: Path, command: list[str]) -> None:
    try:
        before = json.loads(path.read_text())["command"]
    except (ValueError, KeyError) as error:
        raise SweepError(
            f"{path}: cannot be read ({error}); expected a file written by roilab.train. Start a "
            "new sweep without sweep.resume."
        ) from error
    removed = [override for override in before if override not in command]
    added = [override for override in command if override not in before]
    if removed or added:
        raise SweepError(
            f"sweep.resume={path.parent}: was started by another command: it had "
            f"{' '.join(removed) or 'nothing else'}, this has "
            f"{' '.join(added) or 'nothing instead'}. "
            "Give the same overrides, or leave sweep.resume out to start a new sweep."
        )
