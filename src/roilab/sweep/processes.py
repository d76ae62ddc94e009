"""A training in processes of its own: several for DDP, or one for a job apart from the others.

Lightning starts the other processes of DDP by repeating the command line: under ``--multirun``
each of them would run the whole sweep. Here all are started alike, from the composed
configuration, in an environment without traces of other jobs; they end together.
"""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from roilab.errors import RoilabError
from roilab.sweep.status import Results

log = logging.getLogger(__name__)

# What launchers leave in the environment, and Lightning or torch would believe.
_LAUNCHERS = ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE",
              "MASTER_ADDR", "MASTER_PORT", "SLURM_NTASKS", "PL_GLOBAL_SEED", "PL_SEED_WORKERS",
              "WANDB_SERVICE")  # fmt: skip
_GRACE = 5.0  # seconds between asking a process to end and killing it
_GATHER = 1.0  # seconds in which the others may tell that they failed too


class ProcessesError(RoilabError):
    """A process of a training failed; the text says which and why."""


def train_in_processes(config: DictConfig, count: int) -> Results:
    """Train in ``count`` new processes on this machine and wait for all of them.

    Args:
        config: the job's, to be resolved here.
        count: 1 or the number of devices.

    Raises:
        ProcessesError: one failed; the others have been ended.
    """
    place = Path(config.run_dir) / ".processes"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    logs = OmegaConf.to_container(HydraConfig.get().job_logging, resolve=True)
    settings = {"config": OmegaConf.to_container(config, resolve=True), "logging": logs}
    OmegaConf.save(OmegaConf.create(settings), place / "job.yaml")
    # The store that they meet at: the system chooses its port, which stays taken, so that no
    # other job gets the same.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    processes = [_start(rank, count, store.port, place) for rank in range(count)]
    try:
        codes = _wait(processes)
    finally:
        _end(processes)
    if any(codes):
        raise ProcessesError(why_failed(place, codes))
    results = Results(**json.loads((place / "results.json").read_text()))
    shutil.rmtree(place, ignore_errors=True)
    return results


def _start(rank: int, count: int, port: int, place: Path) -> subprocess.Popen[bytes]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _LAUNCHERS and not name.startswith("TORCHELASTIC_")
    }
    own = {"ROILAB_PARENT": str(os.getpid())}
    if count > 1:
        own |= {
            "LOCAL_RANK": str(rank),
            "NODE_RANK": "0",
            "WORLD_SIZE": str(count),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",  # the store is there already
        }
    command = [sys.executable, "-m", "roilab.sweep.rank", str(place)]
    return subprocess.Popen(command, env=inherited | own)


def _wait(processes: list[subprocess.Popen[bytes]]) -> list[int | None]:
    """Wait until all are done or one fails; how each ended by itself, None if it still runs."""
    while True:
        codes = [process.poll() for process in processes]
        if any(codes):
            _wait_for(processes, _GATHER)
            return [process.poll() for process in processes]
        if all(code == 0 for code in codes):
            return codes
        time.sleep(0.1)


def _wait_for(processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(process.poll() is None for process in processes):
        time.sleep(0.05)


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask those that still run to end, then kill them: a collective does not hear a request."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    _wait_for(processes, _GRACE)
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def why_failed(place: Path, codes: list[int | None]) -> str:
    """Why a training ended: what a process told, or how one ended that told nothing.

    Args:
        place: folder in which processes leave ``error-RANK.json``.
        codes: how each ended by itself (minus the signal's number); None: it still ran.
    """
    # A process that was killed cannot tell; what the others then say is only its echo. One that
    # aborts is itself an echo where another told: so NCCL ends those whose partner is lost.
    for rank, code in enumerate(codes):
        told = (place / f"error-{rank}.json").is_file()
        if code is not None and code < 0 and code != -signal.SIGABRT and not told:
            return _ended_by_signal(rank, codes)
    errors: list[dict[str, Any]] = [json.loads(p.read_text()) for p in place.glob("error-*.json")]
    if errors:
        cause = min(errors, key=lambda error: error["time"])
        if cause["traceback"]:
            log.error("%s", cause["traceback"])
        return str(cause["sentence"])
    rank = next(rank for rank, code in enumerate(codes) if code)
    if codes[rank] == -signal.SIGABRT:
        return _ended_by_signal(rank, codes)
    return f"process {rank} of {len(codes)} ended with exit code {codes[rank]} and no word."


def _ended_by_signal(rank: int, codes: list[int | None]) -> str:
    name = signal.Signals(-(codes[rank] or 0)).name
    return (
        f"process {rank} of {len(codes)} was ended by {name}"
        f"{' (out of memory?)' if name == 'SIGKILL' else ''}; the others were ended too."
    )
