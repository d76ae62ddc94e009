"""Several trainings on one machine: side by side with shared cores, or one after the other.

    python benchmarks/side_by_side.py FOLDER [--epochs 3] [--rounds 2] [overrides]

FOLDER holds g4-rec-N.h5 and g4-tru-N.h5 of ProtoDUNE-HD; the last file is for validation. There are
as many trainings as cores, all with the same settings and another seed each. Overrides are those of
``roilab train``. Ways to run them:

- one after the other, each with all cores;
- side by side, each bound to one core, as a batch system binds its jobs;
- side by side, each allowed one core by ``SLURM_CPUS_PER_TASK``, not bound to it;
- side by side, each with as many threads as the machine has cores: the mistake that roilab avoids
  in the two ways above.

Printed are, for every way, the seconds of all trainings together: of their processes, from the
first start to the last end, and of their epochs alone (the sum where they run one after the other,
else the longest). The images are prepared once, before.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

CORES = sorted(os.sched_getaffinity(0))


class Seconds(NamedTuple):
    """Seconds of all trainings of one way."""

    processes: float
    epochs: float


class Trainings:
    """Starts trainings of one folder of frames.

    Args:
        frames: their folder.
        epochs: of a training.
        overrides: of its configuration.
        top: folder for all that is written.
    """

    def __init__(self, frames: Path, epochs: int, overrides: list[str], top: Path) -> None:
        training = [file.name for file in sorted(frames.glob("g4-rec-*.h5"))]
        validation = training.pop()
        self.top, self._number = top, 0
        self._settings = [
            *("data=pdhd", f"data.dir={frames}", f"data.train_files=[{','.join(training)}]"),
            *(f"data.val_files=[{validation}]", "logger=csv", "callbacks.progress_bar=null"),
            *("callbacks.export=null", "callbacks.event_pictures=null", "report=false"),
            *("callbacks.best_worst_events=null", "callbacks.loss_curves=null"),
            *("callbacks.early_stopping=null", "callbacks.physics_metrics=null"),
            *("trainer=cpu", f"trainer.max_epochs={epochs}", *overrides),
        ]

    def start(self, **variables: str) -> tuple[subprocess.Popen[bytes], Path]:
        """Start one training; return its process, and the file that its times will be in."""
        self._number += 1
        folder = self.top / str(self._number)
        times = self.top / f"{self._number}.json"
        command = [sys.executable, "-m", "roilab.train", *self._settings]
        command += [f"seed={self._number}", f"output_dir={folder}"]
        command += [f"+callbacks.times={{_target_:training_times.Times,path:'{times}'}}"]
        here = str(Path(__file__).parent)
        path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "ROILAB_CACHE": str(self.top / "cache")}
        process = subprocess.Popen(
            command, env={**environment, **variables}, stdout=subprocess.DEVNULL
        )
        return process, times


def one_after_the_other(trainings: Trainings) -> Seconds:
    began, epochs = time.perf_counter(), 0.0
    for _ in CORES:
        epochs += epochs_of(*trainings.start())
    return Seconds(time.perf_counter() - began, epochs)


def bound(trainings: Trainings) -> Seconds:
    def start(core: int) -> tuple[subprocess.Popen[bytes], Path]:
        os.sched_setaffinity(0, {core})  # a new process inherits it
        try:
            return trainings.start()
        finally:
            os.sched_setaffinity(0, CORES)

    return side_by_side(start)


def allowed(trainings: Trainings) -> Seconds:
    return side_by_side(lambda _: trainings.start(SLURM_CPUS_PER_TASK="1"))


def crowded(trainings: Trainings) -> Seconds:
    return side_by_side(lambda _: trainings.start(OMP_NUM_THREADS=str(len(CORES))))


def side_by_side(start: Callable[[int], tuple[subprocess.Popen[bytes], Path]]) -> Seconds:
    began = time.perf_counter()
    started = [start(core) for core in CORES]
    epochs = max(epochs_of(*one) for one in started)
    return Seconds(time.perf_counter() - began, epochs)


def epochs_of(process: subprocess.Popen[bytes], times: Path) -> float:
    """Wait for a training; return the seconds of its epochs, validation included."""
    if process.wait():
        sys.exit(f"A training has ended with exit code {process.returncode}.")
    seconds: float = json.loads(times.read_text())["elapsed"][-1]
    return seconds


WAYS = {
    "one after the other, all cores each": one_after_the_other,
    "side by side, bound to one core each": bound,
    "side by side, SLURM_CPUS_PER_TASK=1": allowed,
    "side by side, threads for all cores each": crowded,
}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("overrides", nargs="*", help="of roilab's configuration")
    options = parser.parse_intermixed_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        os.environ.pop(name, None)
    measured: dict[str, list[Seconds]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as top:
        trainings = Trainings(options.folder, options.epochs, options.overrides, Path(top))
        epochs_of(*trainings.start())  # prepares the images
        for number in range(options.rounds):
            # The order changes, so that no way always runs on the warmer machine.
            for name in list(WAYS)[:: 1 if number % 2 == 0 else -1]:
                measured[name].append(WAYS[name](trainings))
                print(f"{name}: {measured[name][-1]}", file=sys.stderr)
    print(f"{len(CORES)} trainings of {options.epochs} epochs on {len(CORES)} cores\n")
    print("| | processes [s] | epochs [s] | epochs, relative |\n|---|---|---|---|")
    first = [one.epochs for one in next(iter(measured.values()))]
    for name, rounds in measured.items():
        ratio = statistics.median(
            one.epochs / reference for one, reference in zip(rounds, first, strict=True)
        )
        cells = [_median([one[column] for one in rounds]) for column in range(2)]
        print(f"| {name} | {' | '.join(cells)} | {ratio:.2f} |")


def _median(numbers: list[float]) -> str:
    return f"{statistics.median(numbers):.0f} ({min(numbers):.0f}-{max(numbers):.0f})"


if __name__ == "__main__":
    main()
