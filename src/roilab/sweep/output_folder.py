"""Output folder of a command: taken before anything is written into it, never shared."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock
from omegaconf import DictConfig, OmegaConf

from roilab.atomic_write import check_space, remove_leftovers
from roilab.folder_lock import LOCK_FILES, FolderError, lock_folder, make_new_folder
from roilab.sweep.status import FILE, read_status

# Locks of this process, and folders that it made, until ``claims_released`` ends.
_locks: list[BaseFileLock] = []
_made: list[Path] = []
# Bytes of what Hydra writes before the command begins, which could not explain a full disk.
_CONFIGURATION = 100_000
# Set by torchrun, SLURM and Lightning for each process of a training.
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


@contextmanager
def claims_released() -> Iterator[None]:
    """Release at the end what a command has claimed; remove folders that stayed empty."""
    try:
        yield
    finally:
        while _locks:
            _locks.pop().release()
        while _made:
            _remove_if_empty(_made.pop())


def claim_run_folder(config: DictConfig) -> Path | None:
    """Lock the output folder of a command; a default folder, named by the time, is made new.

    Changes ``config`` in place where the folder gets another name. ``None`` in the other processes
    of a training, which write into the folder of the first.

    Raises:
        FolderError: another process uses the folder, or it cannot be made.
        DiskFullError: no space is left there.
    """
    if any(os.environ.get(name, "0") != "0" for name in _RANKS):
        return None
    where, key = (config, "output_dir")
    if OmegaConf.to_container(config.hydra.run, resolve=False) not in _OUTPUT_DIR:
        where, key = (config.hydra.run, "dir")
    folder = Path(os.path.expanduser(str(where[key])))
    if _named_by_time(config, where, key):
        folder = make_new_folder(folder)
        _made.append(folder)
    where[key] = str(folder)
    _locks.append(lock_folder(folder, "name another folder with output_dir=FOLDER"))
    for place in (folder, folder / "checkpoints"):
        remove_leftovers(place)
    check_space(folder, _CONFIGURATION)
    return folder


# What conf/command sets: Hydra writes into output_dir, or writes nothing.
_OUTPUT_DIR = ({"dir": "${output_dir}"}, {"dir": "."})


def claim_sweep_folder(config: DictConfig) -> None:
    """Make a new folder for a sweep whose folder is named by the time, as by default.

    Raises:
        FolderError: ``output_dir`` is given, which the jobs of a sweep do not use.
    """
    if OmegaConf.to_container(config.hydra.run, resolve=False) == _OUTPUT_DIR[1]:
        return  # writes into output_dir in a sweep too
    sweep = config.get("sweep")
    for override in config.hydra.overrides.task:
        if override.lstrip("+").startswith("output_dir="):
            key = "hydra.sweep.dir" if sweep is None else "sweep.dir"
            raise FolderError(
                f"{override}: the jobs of a sweep write into folders inside {key}; give "
                f"{key}={override.partition('=')[2]} instead."
            )
    resumed = sweep is not None and sweep.resume is not None
    folder = Path(os.path.expanduser(str(config.hydra.sweep.dir)))
    if not resumed and _named_by_time(config, config.hydra.sweep, "dir"):
        folder = make_new_folder(folder)
    if str(folder) != config.hydra.sweep.dir:
        config.hydra.sweep.dir = str(folder)
        # Each job composes its configuration anew, with these overrides.
        config.hydra.overrides.hydra.append(f"hydra.sweep.dir='{folder}'")


def check_unused(folder: Path, resume: str | None) -> None:
    """Check that a training does not start in the folder of another one.

    A run that was ended before its first checkpoint is no obstacle: nothing of it would be lost.

    Raises:
        FolderError: the folder holds a run, and ``resume`` does not go on with it.
    """
    if resume == "auto":
        return
    status = read_status(folder)
    finished = status is not None and status.state == "finished"
    if not finished and not any((folder / "checkpoints").glob("*.ckpt")):
        return
    if resume is None:
        state = f"{status.state}, started {status.started}" if status else "with checkpoints"
        raise FolderError(
            f"{folder}: holds a run already ({state}); go on with it by resume=auto, or name "
            "another folder with output_dir=FOLDER."
        )
    if folder.resolve() not in Path(resume).expanduser().resolve().parents:
        raise FolderError(
            f"{folder}: holds another run than resume={resume}; name a new folder with "
            "output_dir=FOLDER, or go on with the run of this folder by resume=auto."
        )


def check_no_run(folder: Path) -> None:
    """Check that another command does not write over the files of a training.

    Raises:
        FolderError: the folder is that of a training.
    """
    if (folder / FILE).is_file():
        raise FolderError(
            f"{folder}: is the folder of a training, whose configuration would be overwritten; "
            f"name another folder, such as output_dir={folder / 'evaluation'}."
        )


def _named_by_time(config: DictConfig, node: DictConfig, key: str) -> bool:
    """Return whether a folder's name contains the time, as it is written in the configuration."""
    raw = OmegaConf.to_container(node, resolve=False)
    text = str(raw[key]) if isinstance(raw, dict) else ""
    if "${now:" in text:
        return True
    references = re.findall(r"\$\{([\w.]+)\}", text)
    parents = [name.rpartition(".") for name in references]
    nodes = [(config if not a else OmegaConf.select(config, a), b) for a, _, b in parents]
    return any(isinstance(n, DictConfig) and _named_by_time(config, n, k) for n, k in nodes)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        if {path.name for path in folder.iterdir()} <= set(LOCK_FILES):
            for name in LOCK_FILES:
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
