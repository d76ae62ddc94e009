"""The folder of a sweep: whose it is, what was asked for, what came of it."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from roilab.errors import RoilabError
from roilab.report.setting_names import override_key
from roilab.sweep.names import folder_name
from roilab.sweep.status import now, write_json

log = logging.getLogger(__name__)
FILE = "sweep.json"


class SweepError(RoilabError):
    """A sweep that cannot be started, or a folder of another one."""


@dataclass
class Sweep:
    """A sweep that this process leads.

    Attributes:
        dir: its folder.
        jobs: folders of its jobs, in order; ``None`` where a search decides as it goes.
        lock: held as long as it runs.
    """

    dir: Path
    jobs: list[str] | None
    lock: FileLock

    def folders(self) -> list[Path]:
        """Folders of the jobs, whether or not they are there yet."""
        if self.jobs is not None:
            return [self.dir / name for name in self.jobs]
        return sorted(path.parent for path in self.dir.glob("*/status.json"))


def claim_folder(config: DictConfig) -> Sweep:
    """Make sure that a sweep can run and that its folder is its own.

    Notes which overrides all jobs share where Hydra looks for them
    (``hydra.job.config.override_dirname.exclude_keys``), so that names leave them out.

    Args:
        config: of the whole sweep, ``hydra`` included.

    Raises:
        SweepError: the folder belongs to another sweep, is in use, or two jobs are the same.
        ConfigCompositionException: Hydra's, for an override that does not fit.
    """
    command = _command(config)
    swept = [one for one in _parsed(command) if one.is_sweep_override()]
    keys = list(dict.fromkeys(override_key(one.get_key_element()) for one in swept))
    same = [override_key(one.get_key_element()) for one in _parsed(command) if one not in swept]
    keys_given = [override_key(override) for override in config.hydra.overrides.task]
    same += [key for key in keys_given if key.startswith("sweep.")]
    _compose_one(config, command)
    config.hydra.overrides.hydra.append(
        f"hydra.job.config.override_dirname.exclude_keys={json.dumps(sorted({*same} - {*keys}))}"
    )
    jobs = _jobs(config, command, keys)
    folder, resumed = Path(config.hydra.sweep.dir), config.sweep.resume is not None
    if resumed and not (folder / FILE).is_file():
        raise SweepError(
            f"sweep.resume={folder}: there is no {FILE}, so it is no folder of a sweep; name the "
            "folder that the sweep printed at its end, or leave sweep.resume out to start anew."
        )
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder)
    if resumed:
        _check_same(folder, command)
    elif (folder / FILE).is_file():
        lock.release()
        raise SweepError(
            f"{folder}: holds a sweep already; go on with that by sweep.resume={folder}, or choose "
            "another folder with sweep.dir=FOLDER."
        )
    else:
        told = {"format": 1, "command": command, "swept": keys, "jobs": jobs, "started": now()}
        write_json(folder / FILE, told)
    return Sweep(folder, jobs, lock)


def _command(config: DictConfig) -> list[str]:
    """What is asked for, wherever it is run: overrides, and parameters in the sweeper's YAML."""
    params = config.hydra.sweeper.get("params") or {}
    given = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    return [override for override in given if not override_key(override).startswith("sweep.")]


def _parsed(overrides: list[str]) -> list[Override]:
    loader = GlobalHydra.instance().config_loader()
    return OverridesParser.create(config_loader=loader).parse_overrides(overrides)


def _compose_one(config: DictConfig, command: list[str]) -> None:
    """Compose one job, before any folder is made, to see that every key exists."""
    sample = []
    for one in _parsed(command):
        if one.is_discrete_sweep():
            sample.append(f"{one.get_key_element()}={next(one.sweep_string_iterator())}")
        elif not one.is_sweep_override():
            sample.append(one.input_line or "")
    GlobalHydra.instance().config_loader().load_sweep_config(config, sample)


def _jobs(config: DictConfig, command: list[str], keys: list[str]) -> list[str] | None:
    if not config.hydra.sweeper._target_.endswith(".BasicSweeper"):
        return None
    (batch,) = BasicSweeper.split_arguments(_parsed(command), None)
    names = [
        folder_name([o for o in overrides if override_key(o) in keys], number)
        for number, overrides in enumerate(batch)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SweepError(
            f"{len(names)} jobs, but more than one is {twice[0]}; expected values that differ. "
            "Name every value of a key once."
        )
    return names


def _lock(folder: Path) -> FileLock:
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise SweepError(
            f"{folder}: another process runs a sweep there; wait for its end, or choose another "
            "folder with sweep.dir=FOLDER."
        ) from None
    return lock


def _check_same(folder: Path, command: list[str]) -> None:
    try:
        before = json.loads((folder / FILE).read_text())["command"]
    except (ValueError, KeyError) as error:
        raise SweepError(
            f"{folder / FILE}: cannot be read ({error}); expected what roilab.train writes. Start "
            "anew without sweep.resume."
        ) from error
    lost = [override for override in before if override not in command]
    new = [override for override in command if override not in before]
    if lost or new:
        raise SweepError(
            f"sweep.resume={folder}: was started by another command: it had "
            f"{' '.join(lost) or 'nothing else'}, this has {' '.join(new) or 'nothing instead'}. "
            "Give the same overrides, or leave sweep.resume out to start anew."
        )
