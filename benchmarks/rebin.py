"""Time, memory and disk of a training against the rebin factor.

    python benchmarks/rebin.py FOLDER [--rebin 1 4 6 10] [--events 3] [--steps 3] [overrides]

FOLDER holds g4-rec-N.h5 and g4-tru-N.h5 of ProtoDUNE-HD, plane V. For every rebin factor a new
process prepares a few events, reads them from the cache again, and makes training steps and passes
of the validation on them, in the precision that a training would choose. Overrides are those of
``roilab train``. Printed are medians; of the training steps and the passes without the first.
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
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

CHANNELS, TICKS = 800, 6000
COLUMNS = {
    "image": "image",
    "prepare_s": "prepare an event [s]",
    "megabytes": "stored event [MB]",
    "read_ms": "read it [ms]",
    "step_s": "training step [s]",
    "forward_s": "validation of it [s]",
    "memory_mb": "peak memory [MB]",
}


def main() -> None:
    """Measure and print the table, or measure one rebin factor as a worker."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rebin", type=int, nargs="+", default=[1, 4, 6, 10])
    parser.add_argument("--events", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*", help="of roilab's configuration")
    options = parser.parse_intermixed_args()
    if options.worker:
        print(json.dumps(measure(options)))
        return
    print(f"| rebin | {' | '.join(COLUMNS.values())} |\n|---{'|---' * len(COLUMNS)}|")
    for rebin in options.rebin:
        numbers = [f"--rebin={rebin}", f"--events={options.events}", f"--steps={options.steps}"]
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run(
                [sys.executable, __file__, str(options.folder), "--worker", *numbers,
                 *options.overrides],
                stdout=subprocess.PIPE, text=True, check=True,
                env={**os.environ, "ROILAB_CACHE": cache},
            )  # fmt: skip
        row = json.loads(done.stdout.splitlines()[-1])
        print(f"| {rebin} | {' | '.join(str(row[name]) for name in COLUMNS)} |", flush=True)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure one rebin factor."""
    from omegaconf import OmegaConf

    from roilab.building import build
    from roilab.notebook.compose import compose
    from roilab.peak_memory import PeakMemory
    from roilab.threads import set_threads
    from roilab.train.module import build_module

    rebin = options.rebin[0]
    given = ["data=pdhd", f"data.dir={options.folder}", f"data.rebin={rebin}", "run_dir=."]
    config = compose("train", [*given, *options.overrides])
    recipe: Any = OmegaConf.to_container(config, resolve=True)
    set_threads(config.trainer.threads)
    peak, data = PeakMemory(), build("data", config.data)
    data.setup()
    dataset = data.dataset("train")
    prepare = [seconds(lambda i=i: dataset.prepared(i)) for i in range(options.events)]
    read = [seconds(lambda i=i: dataset.prepared(i)) for i in range(options.events)]
    step, forward = network_seconds(build_module(recipe), dataset, options)
    return {
        "image": f"{CHANNELS} x {TICKS // rebin}",
        "prepare_s": round(statistics.median(prepare), 2),
        "megabytes": round(data.cache.size_bytes() / options.events / 1e6, 2),
        "read_ms": round(1000 * statistics.median(read), 1),
        "step_s": round(statistics.median(step[1:]), 2),
        "forward_s": round(statistics.median(forward[1:]), 2),
        "memory_mb": round(peak.mb()),
    }


def network_seconds(
    module: Any, dataset: Any, options: argparse.Namespace
) -> tuple[list[float], list[float]]:
    """Return the seconds of training steps, and of passes and losses in evaluation."""
    import torch

    from roilab.train.depthwise import depthwise_gradients

    optimizer = module.configure_optimizers()
    items = [dataset[i] for i in range(options.events)]
    batches = [(item["image"][None], item["truth_mask"][None]) for item in items]

    def loss(number: int) -> torch.Tensor:
        image, truth_mask = batches[number % len(batches)]
        with autocast(), depthwise_gradients():
            logits = module(image).float()
        value: torch.Tensor = module.loss(logits, truth_mask)
        return value

    def step(number: int) -> None:
        optimizer.zero_grad()
        loss(number).backward()
        optimizer.step()

    training = [seconds(lambda n=n: step(n)) for n in range(options.steps + 1)]
    module.eval()
    with torch.no_grad():
        return training, [seconds(lambda n=n: loss(n)) for n in range(options.steps + 1)]


def autocast() -> AbstractContextManager[Any]:
    """Return the context of the precision that a training on the CPU would choose."""
    import torch

    from roilab.train.precision import choose_precision

    bf16 = choose_precision("cpu")[0] == "bf16-mixed"
    return torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext()


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
