"""What a theme found, and how its commands are started."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

# Small enough that a training or a simulation takes seconds.
SIMULATION = ("simulation=demo", "simulation.events=6", "simulation.events_per_file=1")
NETWORK = (
    *("model=unet", "model.net.encoder_widths=[4,8,8,8,8]"),
    "model.net.decoder_widths=[8,8,4,4]",
)
TRAINING = (
    *("data=small", *NETWORK, "trainer=cpu", "trainer.precision=32-true", "data.num_workers=0"),
    *("trainer.max_epochs=6", "scheduler=cosine", "logger=csv", "report=false"),
    *("callbacks.event_pictures=null", "callbacks.best_worst_events=null"),
    *("callbacks.loss_curves=null", "callbacks.export=null", "callbacks.progress_bar=null"),
    "callbacks.early_stopping=null",
)


@dataclass(frozen=True)
class Finding:
    """Result of one theme.

    Attributes:
        tried: what was done, and how often.
        outcome: what happened.
        faults: one text for everything that is not as promised.
    """

    tried: str
    outcome: str
    faults: list[str] = field(default_factory=list)


def start(module: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start ``python -m roilab.MODULE``."""
    return subprocess.Popen(
        [sys.executable, "-m", f"roilab.{module}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, **environment},
    )


def run(module: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command to its end; return exit code and standard error."""
    process = start(module, *arguments, **environment)
    _, errors = process.communicate()
    return process.returncode, errors


def run_well(module: str, *arguments: str, **environment: str) -> None:
    """Run a command that must not fail.

    Raises:
        RuntimeError: it failed.
    """
    code, errors = run(module, *arguments, **environment)
    if code:
        raise RuntimeError(f"roilab {module} ended with {code}: {errors[-2000:]}")


def make_sample(folder: Path) -> Path:
    """Simulate the small sample, where it is not complete; return its folder."""
    run_well("simulate", *SIMULATION, f"output_dir={folder}")
    return folder


def send(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Send a signal to a command that handles signals; return ``False`` if it ended before.

    It does so from the end of its first imports to the end of its work. SIGKILL is sent at once.
    """
    if number != signal.SIGKILL:
        wait_for_handlers(process)
    if process.poll() is not None:
        return False
    process.send_signal(number)
    return True


def wait_for_handlers(process: subprocess.Popen[str]) -> None:
    """Wait until a command handles signals, or has ended."""
    while process.poll() is None and not _handles_signals(process.pid):
        time.sleep(0.005)


def _handles_signals(pid: int) -> bool:
    """Return whether a process has a handler for SIGUSR1, which no library sets."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line for line in text.splitlines() if line.startswith("SigCgt:")), "SigCgt: 0")
    return bool(int(caught.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1)


def partial_files(folder: Path) -> set[Path]:
    """Return the temporary files in a folder and below."""
    return {path for path in folder.rglob("*.partial*") if path.name.startswith(".")}
