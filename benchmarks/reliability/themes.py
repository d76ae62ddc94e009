"""The themes of the figures, by name."""

from collections.abc import Callable
from pathlib import Path

from commands_on_full_disk import full_disk
from finding import Finding
from interruptions import interrupt
from machine_faults import machine_faults
from parallel_jobs import parallel_jobs
from signals import all_signals
from strangers import checkpoints, frame_files

JOBS = 4  # on one empty cache


def themes(kills: int) -> dict[str, Callable[[Path], Finding]]:
    """Return the themes by name; each is given an empty folder."""
    return {
        "training": lambda top: interrupt("training", kills, top),
        "sweep": lambda top: interrupt("sweep", max(1, kills // 2), top),
        "simulation": lambda top: interrupt("simulation", max(1, kills // 2), top),
        "signals": all_signals,
        "frame-files": lambda top: frame_files(),
        "parallel-jobs": lambda top: parallel_jobs(JOBS, top),
        "full-disk": full_disk,
        "faults": machine_faults,
        "checkpoints": checkpoints,
    }
