"""Interrupt a simulation, a training or a sweep at random moments, go on, and compare the results.

    python benchmarks/interruptions.py {simulation,training,sweep} [KILLS] [SEED]

The command is started again until it has been interrupted KILLS times, and ends. Prints exit codes
by signal, tracebacks, half-written files, and whether the results equal those of a run without
interruption bit for bit.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from roilab.csv_log import read_curves
from roilab.frames import open_frames

Command = Callable[[Path], tuple[str, ...]]
Result = Callable[[Path], Any]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL)
SIMULATION = ("simulation=demo", "simulation.events=6", "simulation.events_per_file=1")
TRAINING = (
    *("data=small", "model=unet", "model.net.encoder_widths=[4,8,8,8,8]"),
    *("model.net.decoder_widths=[8,8,4,4]", "trainer=cpu", "trainer.precision=32-true"),
    *(
        "trainer.max_epochs=6",
        "data.num_workers=0",
        "logger=csv",
        "callbacks.event_pictures=null",
        "report=false",
    ),
    *("callbacks.best_worst_events=null", "callbacks.loss_curves=null", "callbacks.export=null"),
    *("callbacks.progress_bar=null", "callbacks.early_stopping=null", "scheduler=cosine"),
)


def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"roilab.{module}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def run(module: str, *arguments: str) -> float:
    """Run a command to its end; return its time [s]."""
    began = time.monotonic()
    process = start(module, *arguments)
    _, errors = process.communicate()
    if process.returncode:
        sys.exit(errors.decode())
    return time.monotonic() - began


def run_with_kills(
    kills: int,
    seconds: float,
    folder: Path,
    command: tuple[str, ...],
    again: Command,
) -> tuple[Counter[str], int, int]:
    """Start a command, and again after each of ``kills`` signals at random moments, to its end.

    A command that ends before its signal begins anew in an empty folder.

    Returns:
        Exit codes by signal, number of tracebacks, and number of half-written files that no SIGKILL
        left.
    """
    codes, tracebacks, partial = Counter[str](), 0, 0
    while kills:
        number = random.choice(SIGNALS)
        process = start(*command, *again(folder))
        try:
            process.wait(random.uniform(0.1, 0.8) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        else:
            shutil.rmtree(folder)
            continue
        _, errors = process.communicate()
        kills -= 1
        codes[f"{number.name} {process.returncode}"] += 1
        tracebacks += b"Traceback" in errors
        if number == signal.SIGKILL:
            for path in folder.rglob("*.partial*"):
                path.unlink()
        partial += len(list(folder.rglob("*.partial*")))
    run(*command, *again(folder))
    return codes, tracebacks, partial


def training_result(folder: Path) -> Any:
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    weights = {name: value.numpy() for name, value in checkpoint["state_dict"].items()}
    return read_curves(folder / "csv"), weights


def sweep_result(folder: Path) -> Any:
    return [training_result(path) for path in sorted(folder.glob("seed-*"))]


def sample_result(folder: Path) -> Any:
    content = {}
    for path in sorted(folder.glob("g4-*.h5")):
        with open_frames(path) as frames:
            for event in frames.events:
                for tag in frames.tags(event):
                    content[path.name, event, tag] = frames.read_rows(event, tag, slice(None))
    return content, (folder / "meta.json").read_text()


def measure(
    name: str,
    kills: int,
    paths: tuple[Path, Path],
    command: Command,
    again: Command,
    result: Result,
) -> None:
    whole, broken = paths
    seconds = run(*command(whole))
    codes, tracebacks, partial = run_with_kills(kills, seconds, broken, command(broken), again)
    try:
        np.testing.assert_equal(result(broken), result(whole))
        equal = "equal"
    except AssertionError as error:
        equal = f"DIFFERENT: {error}"
    listed = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
    print(f"{name}: {seconds:.0f} s alone; {kills} signals ({listed}); {tracebacks} tracebacks; "
          f"{partial} half-written files; results {equal}", flush=True)  # fmt: skip


def main() -> None:
    name = sys.argv[1]
    kills, seed = (int(sys.argv[k]) if len(sys.argv) > k else d for k, d in ((2, 20), (3, 1)))
    random.seed(seed)
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary)
        os.environ["ROILAB_CACHE"] = str(top / "cache")
        simulation = ("simulate", *SIMULATION)
        training = (*TRAINING, f"data.dir={top / 'frames'}")
        if name != "simulation":
            run(*simulation, f"output_dir={top / 'frames'}")
        commands: dict[str, tuple[Command, Command, Result]] = {
            "simulation": (
                lambda to: (*simulation, f"output_dir={to}"),
                lambda to: (),
                sample_result,
            ),
            "training": (
                lambda to: ("train", *training, f"output_dir={to}"),
                lambda to: ("resume=auto",),
                training_result,
            ),
            "sweep": (
                lambda to: ("train", "-m", *training, "seed=1,2,3", f"sweep.dir={to}"),
                lambda to: (f"sweep.resume={to}",) if (to / "sweep.json").is_file() else (),
                sweep_result,
            ),
        }
        measure(name, kills, (top / "alone", top / "again"), *commands[name])


if __name__ == "__main__":
    main()
