"""Launchers: the plugin each needs, and the GPU of each job where jobs run side by side."""

import os
import subprocess
from importlib.util import find_spec

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from roilab.errors import RoilabError

_JOBLIB = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
_JOBS_WITHOUT_GPU = 2
# Plugins, and the extra of roilab that installs each.
_EXTRAS = {
    "hydra_plugins.hydra_joblib_launcher": "joblib",
    "hydra_plugins.hydra_submitit_launcher": "slurm",
}


class LauncherError(RoilabError):
    """The plugin of a launcher is not installed."""


def check_plugin(target: str) -> None:
    """Raise ``LauncherError`` if the plugin of ``hydra.launcher._target_`` is not installed."""
    package = ".".join(target.split(".")[:2])
    if package in _EXTRAS and not _installed(package):
        name = _EXTRAS[package]
        raise LauncherError(
            f"hydra/launcher={name}: its plugin is not installed; install it with "
            f"pip install 'roilab[{name}]', or leave hydra/launcher out to run job after job."
        )


def limit_parallel_jobs(config: DictConfig) -> None:
    """Run as many jobs at a time as there are GPUs, or two, with ``hydra/launcher=joblib``.

    The plugin's default is one job for every core. ``hydra.launcher.n_jobs=N`` is kept. Changes
    ``config`` in place.
    """
    if runs_side_by_side(config) and config.hydra.launcher.n_jobs == -1:
        config.hydra.launcher.n_jobs = len(gpus()) or _JOBS_WITHOUT_GPU


def runs_side_by_side(config: DictConfig) -> bool:
    """Return whether the jobs run in processes that ``hydra/launcher=joblib`` starts."""
    return bool(config.hydra.launcher._target_ == _JOBLIB)


def gpu_environment(launcher: str, number: int) -> dict[str, str]:
    """Return the environment variable that gives a job one GPU or none, with ``joblib``."""
    if launcher != _JOBLIB:
        return {}
    visible = gpus()  # shared round robin
    return {"CUDA_VISIBLE_DEVICES": visible[number % len(visible)] if visible else ""}


def gpus() -> list[str]:
    """List the GPUs that this process may use, by the names of ``CUDA_VISIBLE_DEVICES``.

    Without that variable they are those that ``nvidia-smi`` lists. CUDA is not asked, because this
    process would then hold memory of the first GPU.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.stdout.split()


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


# Without the plugin, this configuration takes its place, so that ``check_plugin`` can say so.
if not _installed(_JOBLIB.rpartition(".")[0]):
    _missing = {"_target_": _JOBLIB, "n_jobs": -1}
    ConfigStore.instance().store(group="hydra/launcher", name="joblib", node=_missing)
