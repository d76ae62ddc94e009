"""Number of threads that compute in this process."""

import logging
import os
from math import floor
from pathlib import Path

log = logging.getLogger(__name__)

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def set_threads(number: int | None) -> None:
    """Set the number of threads with which torch computes, and log it.

    Args:
        number: ``None`` for the cores that this process may use, shared by the processes of the
            training on this machine.
    """
    import torch

    if number is not None:
        count, reason = number, "trainer.threads"
    else:
        count, reason = usable_threads()
    if count != torch.get_num_threads():
        torch.set_num_threads(count)
    log.info("%d thread%s: %s", count, "" if count == 1 else "s", reason)


def usable_threads() -> tuple[int, str]:
    """Return the number of threads that this process may use, and what decides it.

    The first of: ``OMP_NUM_THREADS``; ``SLURM_CPUS_PER_TASK``; the smaller one of the cores that
    the process is bound to and the quota of its control group, divided by the number of processes
    of a training on this machine.
    """
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        value = os.environ.get(name, "").split(",")[0]
        if value.isdecimal() and int(value) > 0:
            return int(value), name
    cores, reason = _available_cores(), "cores that this process may use"
    quota = cpu_quota()
    if quota is not None and quota < cores:
        cores, reason = max(1, floor(quota)), f"CPU quota of {quota:g} cores"
    processes = int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("WORLD_SIZE") or 1)
    if processes > 1:
        return max(1, cores // processes), f"{reason}, shared by {processes} processes"
    return cores, reason


def cpu_quota(root: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> float | None:
    """Return the CPU quota of this process's control group [cores]; ``None`` without one.

    It is the smallest quota of the group and its parents, in version 2 or 1 of control groups.
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    quotas: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = root / "cpu" if controllers else root
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder == base.parent:
                break
            quota = _quota_of(folder)
            quotas += [] if quota is None else [quota]
    return min(quotas, default=None)


def _quota_of(folder: Path) -> float | None:
    """Return the quota of one control group [cores]."""
    try:
        quota, period = (folder / "cpu.max").read_text().split()  # version 2
    except (OSError, ValueError):
        try:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()  # version 1
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota in ("max", "-1"):
        return None
    return int(quota) / int(period)


def _available_cores() -> int:
    """Return the number of cores that this process is bound to."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
