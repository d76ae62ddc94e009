"""Time and memory of a training against the number of events.

    python benchmarks/events.py PREPARED [--events 10 100 1000 10000] [--steps 1000] [overrides]

PREPARED is a folder of ``roilab prepare`` (ProtoDUNE-HD). Its images are named again and again
until there are as many events as asked for (``benchmarks/preparation.py``). The network is a UNet
of one feature on crops of 32 x 32, so a step is the reading of an image and the work of Lightning
and roilab. Every number of events is a training in a new process of about so many steps, in
several epochs where there are fewer events. A tenth of the events is split off, but not validated.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from preparation import enlarge
from roilab.data.prepared_set import read_prepared_set


def work(folder: Path, epochs: int, overrides: list[str]) -> dict[str, float]:
    """Train; return seconds to the first step, those of the steps, and memory."""
    began = time.perf_counter()
    import torch
    from lightning import Callback, LightningModule, Trainer
    from omegaconf import OmegaConf

    from roilab.building import build
    from roilab.peak_memory import PeakMemory
    from roilab.train.module import build_module
    from roilab.train.run import build_trainer, quiet_lightning
    from step_overhead import configuration

    class Ends(Callback):
        """When every step ended, and the memory after the first and the last one."""

        def __init__(self) -> None:
            self.at: list[float] = []
            self.first_mb = 0.0

        def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
            """Note the time."""
            self.at.append(time.perf_counter())
            self.first_mb = self.first_mb or peak.mb()

    torch.set_num_threads(1)
    peak, ends = PeakMemory(), Ends()
    options = argparse.Namespace(folder=folder, epochs=epochs, overrides=overrides)
    with tempfile.TemporaryDirectory() as output, quiet_lightning():
        config = configuration(options, output)
        trainer = build_trainer(config)
        trainer.callbacks.append(ends)  # type: ignore[attr-defined]
        module = build_module(OmegaConf.to_container(config, resolve=True))
        trainer.fit(module, datamodule=build("data", config.data))
    steps = [1000 * (b - a) for a, b in zip(ends.at[:-1], ends.at[1:], strict=True)]
    return {
        "first step after [s]": ends.at[0] - began,
        "events trained on": len(ends.at),
        "ms an event, mean": (ends.at[-1] - ends.at[0]) * 1000 / len(steps),
        "ms an event, median": statistics.median(steps),
        "memory after the first step [MB]": ends.first_mb,
        "peak memory [MB]": peak.mb(),
    }


def main() -> None:
    """Print the table, or train once as a worker."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, nargs="+", default=[10, 100, 1000, 10_000])
    parser.add_argument("--steps", type=int, default=1000, help="the least of a training")
    parser.add_argument("--epochs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*", help="of roilab's configuration")
    options = parser.parse_intermixed_args()
    if options.epochs:
        print(json.dumps(work(options.folder, options.epochs, options.overrides)))
        return
    rows: dict[int, dict[str, float]] = {}
    for events in options.events:
        with tempfile.TemporaryDirectory(dir=options.folder.parent) as scratch:
            folder = Path(scratch) / "prepared"
            shutil.copytree(options.folder, folder)
            prepared = read_prepared_set(folder)
            replace(prepared, sources=prepared.sources[:events]).write(folder)
            if events > len(prepared.sources):
                enlarge(folder, events)
            epochs = -(-options.steps // events)
            command = [
                sys.executable,
                __file__,
                str(folder),
                "--epochs",
                str(epochs),
                *options.overrides,
            ]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows[events] = json.loads(done.stdout.splitlines()[-1])
    names = list(next(iter(rows.values())))
    print(f"| events | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    for events, row in rows.items():
        print(f"| {events} | {' | '.join(f'{row[name]:.4g}' for name in names)} |")


if __name__ == "__main__":
    main()
