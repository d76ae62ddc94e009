"""Launchers: which plugin each needs, and which GPU a job gets where jobs run side by side."""

import os
import subprocess
from importlib.util import find_spec

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from roilab.errors import RoilabError

_JOBLIB = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
_JOBS_WITHOUT_GPU = 2
# Plugins, and the extra of roilab that brings each.
_EXTRAS = {
    "hydra_plugins.hydra_joblib_launcher": "joblib",
    "hydra_plugins.hydra_submitit_launcher": "slurm",
}


class LauncherError(RoilabError):
    """The plugin of a launcher is not installed."""


def check_plugin(target: str) -> None:
    """Make sure that the plugin of a launcher is installed.

    Args:
        target: its class, as ``hydra.launcher._target_`` names it.

    Raises:
        LauncherError: it is not.
    """
    package = ".".join(target.split(".")[:2])
    if package in _EXTRAS and not _installed(package):
        name = _EXTRAS[package]
        raise LauncherError(
            f"hydra/launcher={name}: its plugin is not installed; install it with "
            f"pip install 'roilab[{name}]', or leave hydra/launcher out to run job after job."
        )


def set_side_by_side(config: DictConfig) -> None:
    """With ``hydra/launcher=joblib``: one GPU a job, and as many jobs at a time as GPUs.

    The plugin's own default, a job for every core, is no more than a guess; where there is no
    GPU, two jobs run at a time. ``hydra.launcher.n_jobs=N`` says otherwise.

    Args:
        config: of the sweep, ``hydra`` included; changed in place.
    """
    if config.hydra.launcher._target_ != _JOBLIB:
        return
    if config.hydra.launcher.n_jobs == -1:
        config.hydra.launcher.n_jobs = len(gpus()) or _JOBS_WITHOUT_GPU
    config.hydra.overrides.hydra.append(
        "++hydra.job.env_set.CUDA_VISIBLE_DEVICES='${gpu_of_job:${hydra.job.num}}'"
    )


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them.

    That variable where it is set, else all that ``nvidia-smi`` lists. CUDA itself is not asked:
    the process that shares GPUs out would then hold memory of the first.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name]
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return told.stdout.split()


def gpu_of_job(number: int, visible: list[str]) -> str:
    """The GPU of a job, round robin; nothing where there are none."""
    return visible[number % len(visible)] if visible else ""


def _gpu_of_job(number: int) -> str:
    return gpu_of_job(number, gpus())


OmegaConf.register_new_resolver("gpu_of_job", _gpu_of_job, replace=True)

# The plugin puts its own in this place; without it, there is something that check_plugin finds.
if not _installed(_JOBLIB.rpartition(".")[0]):
    _missing = {"_target_": _JOBLIB, "n_jobs": -1}
    ConfigStore.instance().store(group="hydra/launcher", name="joblib", node=_missing)
