"""Interrupt a training, a sweep or a simulation at random moments, go on, compare the results.

The command is started again until it has been interrupted as often as asked, and ends. The results
must equal those of a run without interruption bit for bit.
"""

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from finding import (
    SIMULATION,
    TRAINING,
    Finding,
    make_sample,
    partial_files,
    run_well,
    send,
    start,
)

from roilab.csv_log import read_curves
from roilab.frames import open_frames

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGKILL)
Arguments = Callable[[Path], tuple[str, ...]]


@dataclass(frozen=True)
class Command:
    """A command that can go on.

    Attributes:
        first: module and arguments that write into a folder.
        again: arguments to add, to go on in that folder.
        result: contents of a complete folder, to compare.
    """

    first: Arguments
    again: Arguments
    result: Callable[[Path], Any]


@dataclass
class Seen:
    """What happened at the signals."""

    codes: Counter[str] = field(default_factory=Counter)  # by name of the signal
    faults: list[str] = field(default_factory=list)


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


def commands(frames: Path) -> dict[str, Command]:
    """Return the commands by name; trainings read the frames in a folder."""
    training = (*TRAINING, f"data.dir={frames}")
    return {
        "training": Command(
            lambda to: ("train", *training, f"output_dir={to}"),
            lambda to: ("resume=auto",),
            training_result,
        ),
        "sweep": Command(
            lambda to: ("train", "-m", *training, "seed=1,2,3", f"sweep.dir={to}"),
            lambda to: (f"sweep.resume={to}",) if (to / "sweep.json").is_file() else (),
            sweep_result,
        ),
        "simulation": Command(
            lambda to: ("simulate", *SIMULATION, f"output_dir={to}"), lambda to: (), sample_result
        ),
    }


def interrupt(name: str, kills: int, top: Path) -> Finding:
    """Interrupt a command ``kills`` times and compare its results; ``top`` is an empty folder."""
    frames = top / "frames"
    if name != "simulation":
        make_sample(frames)
    command, alone, broken = commands(frames)[name], top / "alone", top / "again"
    began = time.monotonic()
    run_well(*command.first(alone))
    seconds = time.monotonic() - began
    seen = _run_with_kills(command, kills, seconds, broken)
    equal = "results equal bit for bit"
    try:
        np.testing.assert_equal(command.result(broken), command.result(alone))
    except AssertionError as error:
        equal = "results differ"
        seen.faults.append(f"results differ: {error}")
    listed = ", ".join(f"{code}: {count}" for code, count in sorted(seen.codes.items()))
    return Finding(f"{kills} signals, then on to the end", f"{listed}; {equal}", seen.faults)


def _run_with_kills(command: Command, kills: int, seconds: float, folder: Path) -> Seen:
    """Start a command, and again after each signal at a random moment, to its end.

    A command that ends before its signal begins anew in an empty folder.
    """
    seen, left = Seen(), set[Path]()
    while kills:
        number = random.choice(SIGNALS)
        process = start(*command.first(folder), *command.again(folder))
        try:
            process.communicate(timeout=random.uniform(0.1, 0.8) * seconds)
            sent = False
        except subprocess.TimeoutExpired:
            sent = send(process, number)
        if not sent:
            shutil.rmtree(folder)
            left.clear()
            continue
        _, errors = process.communicate()
        kills -= 1
        seen.codes[f"{number.name} {process.returncode}"] += 1
        seen.faults += faults_of_end(number, process.returncode, errors)
        files = partial_files(folder)
        if number != signal.SIGKILL:
            seen.faults += [f"{number.name}: half-written {path}" for path in files - left]
        left = files
    run_well(*command.first(folder), *command.again(folder))
    seen.faults += [f"not removed: {path}" for path in partial_files(folder)]
    return seen


def faults_of_end(number: signal.Signals, code: int, errors: str) -> list[str]:
    """Return what is wrong with the end of a command that got a signal."""
    expected = -number if number == signal.SIGKILL else 128 + number
    faults = []
    if code != expected:
        faults.append(f"{number.name}: exit code {code}, expected {expected}. {errors[-300:]}")
    if "Traceback" in errors:
        faults.append(f"{number.name}: a traceback. {errors[-1000:]}")
    if number != signal.SIGKILL and errors.count("interrupted by") != 1:
        faults.append(f"{number.name}: not one line. {errors[-300:]}")
    return faults
