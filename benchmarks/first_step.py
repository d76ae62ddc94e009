"""Measure the time from the command to the end of the first step of a training.

    python benchmarks/first_step.py [--rounds 5] [overrides]

Every training is a new process. Without overrides it is that of `make train` (experiment=demo). Its
frames are simulated and its images prepared before, by a training that is not counted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

PARTS = ("imports, composition and checks", "data and network", "first step", "together")


class Moments(Callback):
    """Write the times of the start of the fit and of the first step, and stop the training."""

    def __init__(self, path: str) -> None:
        self.path, self.moments = Path(path), [time.time()]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Note the start of the first step."""
        self.moments.append(time.time())

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Note the end of the first step."""
        self.path.write_text(json.dumps([*self.moments, time.time()]))
        trainer.should_stop = True


def measure(overrides: list[str], folder: Path) -> list[float]:
    """Return the seconds of the parts of one training, and of all."""
    with tempfile.TemporaryDirectory() as run:
        moments = Path(run, "moments.json")
        observer = f"+callbacks.moments={{_target_:first_step.Moments,path:'{moments}'}}"
        command = [
            *(sys.executable, "-m", "roilab.train", "experiment=demo", f"output_dir={run}/run"),
            *("trainer.limit_val_batches=0", "report=false"),
            *("callbacks.physics_metrics=null", "callbacks.export=null", "callbacks.best=null"),
            *("callbacks.event_pictures=null", "callbacks.best_worst_events=null"),
            *("callbacks.loss_curves=null", f"data.dir={folder}/frames", observer, *overrides),
        ]
        paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"ROILAB_CACHE": f"{folder}/cache", "PYTHONPATH": paths}
        began = time.time()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        built, start, end = json.loads(moments.read_text())
    return [built - began, start - built, end - start, end - began]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("overrides", nargs="*", help="of roilab's configuration")
    options = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(options.overrides, Path(folder)) for _ in range(1 + options.rounds)][1:]
    print("| seconds | median (range) |\n|---|---|")
    for name, numbers in zip(PARTS, zip(*rows, strict=True), strict=True):
        spread = f"{min(numbers):.1f}-{max(numbers):.1f}"
        print(f"| {name} | {statistics.median(numbers):.1f} ({spread}) |")


if __name__ == "__main__":
    main()
