"""Training in new processes: several for DDP, or one for a job that is kept separate.

Lightning starts the processes of DDP by repeating the command line, so in a sweep each of them
would run the complete sweep. ``torchrun`` was tried (torch 2.14): after ``kill -9`` of it and its
process group its processes go on, since each leads a session; when one is killed, it waits
30 s for another that does not react to SIGTERM; and it takes 1.4 s more to start. So the processes
are started here, from the composed configuration, and end together.
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
from roilab.interruption import EXIT_CODES, Interrupted, defer, requested, undefer
from roilab.train.results import Results

log = logging.getLogger(__name__)

# Variables of other launchers and jobs that Lightning, torch or W&B would read.
_LAUNCHER_VARIABLES = (
    *("LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    *("MASTER_ADDR", "MASTER_PORT", "SLURM_NTASKS", "PL_GLOBAL_SEED", "PL_SEED_WORKERS"),
    "WANDB_SERVICE",
)
_TERMINATE = 5.0  # seconds between asking a process to end and killing it
_COLLECT = 1.0  # seconds in which the other processes may report that they failed too

_Processes = list[subprocess.Popen[bytes]]


class ProcessesError(RoilabError):
    """A process of a training failed; the text says which and why."""


def train_in_processes(config: DictConfig, count: int) -> Results:
    """Train in ``count`` new processes on this machine and wait for all of them.

    Raises:
        ProcessesError: one failed; the others have been ended.
    """
    folder = Path(config.run_dir) / ".processes"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    logs = OmegaConf.to_container(HydraConfig.get().job_logging, resolve=True)
    settings = {"config": OmegaConf.to_container(config, resolve=True), "logging": logs}
    OmegaConf.save(OmegaConf.create(settings), folder / "job.yaml")
    # The processes meet at this store. The system chooses its port, which stays taken, so that no
    # other job gets the same.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    processes = [_start(rank, count, store.port, folder) for rank in range(count)]
    grace = config.grace_s + _TERMINATE
    defer(grace)
    try:
        codes = _wait(processes, grace)
    finally:
        undefer()
        _end(processes)
    if any(codes):
        ended = next((EXIT_CODES[code] for code in codes if code in EXIT_CODES), None)
        if (number := requested() or ended) is not None:
            raise Interrupted(number)
        raise ProcessesError(find_cause(folder, codes))
    results = Results(**json.loads((folder / "results.json").read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    return results


def _start(rank: int, count: int, port: int, folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in _LAUNCHER_VARIABLES and not name.startswith("TORCHELASTIC_")
    }
    environment["ROILAB_PARENT"] = str(os.getpid())
    if count > 1:
        environment |= {
            "LOCAL_RANK": str(rank),
            "NODE_RANK": "0",
            "WORLD_SIZE": str(count),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",  # use the store at MASTER_PORT, make none
        }
    command = [sys.executable, "-m", "roilab.sweep.rank", str(folder)]
    return subprocess.Popen(command, env=environment)


def _wait(processes: _Processes, grace: float) -> list[int | None]:
    """Wait until all processes end or one fails; return exit codes, ``None`` of running ones.

    A signal is passed on. All processes then end together, in at most ``grace`` seconds.
    """
    codes: list[int | None] = [None]
    passed_on = False
    while None in codes and not any(codes):
        time.sleep(0.1)
        number = requested()
        if number is not None and not passed_on:
            passed_on = True
            for process in processes:
                process.send_signal(number)
        codes = [process.poll() for process in processes]
    if any(codes):
        interrupted = all(code in EXIT_CODES for code in codes if code)
        _wait_at_most(grace if interrupted else _COLLECT, processes)
    return [process.poll() for process in processes]


def _wait_at_most(seconds: float, processes: _Processes) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(process.poll() is None for process in processes):
        time.sleep(0.05)


def _end(processes: _Processes) -> None:
    """Ask running processes to end, then kill them: in a collective they do not react."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    _wait_at_most(_TERMINATE, processes)
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def find_cause(folder: Path, codes: list[int | None]) -> str:
    """Find why a training failed: the first error, not those that follow from it.

    The processes leave ``error-RANK.json`` in ``folder``. ``codes`` are their exit codes (minus the
    signal's number), ``None`` for one that still ran.
    """
    # A killed process leaves no error, and the errors of the others follow from its end. A process
    # that aborts is a cause only if no other left an error: NCCL aborts those that lost a partner.
    for rank, code in enumerate(codes):
        silent = not (folder / f"error-{rank}.json").is_file()
        if code is not None and code < 0 and code != -signal.SIGABRT and silent:
            return _ended_by_signal(rank, codes)
    errors: list[dict[str, Any]] = [json.loads(p.read_text()) for p in folder.glob("error-*.json")]
    if errors:
        first = min(errors, key=lambda error: error["time"])
        if first["traceback"]:
            log.error("%s", first["traceback"])
        return str(first["message"])
    rank = next(rank for rank, code in enumerate(codes) if code)
    if codes[rank] == -signal.SIGABRT:
        return _ended_by_signal(rank, codes)
    return f"process {rank} of {len(codes)} ended with exit code {codes[rank]} and no message."


def _ended_by_signal(rank: int, codes: list[int | None]) -> str:
    name = signal.Signals(-(codes[rank] or 0)).name
    return (
        f"process {rank} of {len(codes)} was ended by {name}"
        f"{' (out of memory?)' if name == 'SIGKILL' else ''}; the others were ended too."
    )
