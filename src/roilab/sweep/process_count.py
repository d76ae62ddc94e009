"""Number of processes of a training, from its configuration."""

import logging

from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.lsf import LSFEnvironment
from lightning.fabric.plugins.environments.mpi import MPIEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.accelerators import CPUAccelerator, CUDAAccelerator
from omegaconf import DictConfig, OmegaConf

log = logging.getLogger(__name__)
_CLUSTERS = (TorchElasticEnvironment, SLURMEnvironment, LSFEnvironment, MPIEnvironment)
# Strategies of one process, and those for which Lightning forks or spawns the processes itself.
_ONE_PROCESS = ("single", "spawn", "fork", "notebook")


def count_processes(trainer: DictConfig) -> int:
    """Return how many processes to start for a training; 1 where this one is enough.

    It is 1 too where ``torchrun`` or a cluster has started all processes, on several machines, and
    where the settings do not fit this machine (Lightning then says why).
    """
    strategy = trainer.strategy
    if trainer.get("num_nodes", 1) > 1 or not isinstance(strategy, str):
        return 1
    if any(name in strategy for name in _ONE_PROCESS) or any(c.detect() for c in _CLUSTERS):
        return 1
    if LightningEnvironment().creates_processes_externally:
        return 1
    devices = OmegaConf.to_container(trainer)["devices"]  # type: ignore[call-overload,index]
    try:
        return _count_devices(trainer.accelerator, devices)
    except (MisconfigurationException, TypeError, ValueError):
        log.debug("no such devices; the training itself gives the reason", exc_info=True)
        return 1


def _count_devices(accelerator: str, devices: int | str | list[int]) -> int:
    if accelerator == "auto":
        accelerator = "cuda" if CUDAAccelerator.is_available() else "cpu"
    if accelerator == "cpu":
        if devices == "auto":
            return CPUAccelerator.auto_device_count()
        return CPUAccelerator.parse_devices(devices)  # type: ignore[arg-type]
    if accelerator in ("gpu", "cuda"):
        if devices == "auto":
            return CUDAAccelerator.auto_device_count()
        return len(CUDAAccelerator.parse_devices(devices) or [])
    return 1
