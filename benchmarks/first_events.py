"""Print the time of the first, second and later events of exported networks, as a Markdown table.

    python benchmarks/first_events.py [MODEL ...] [--size 800x600] [--repeats 3]

A network of conf/model with random weights is written as a plain trace and by roilab's export. Each
file is loaded in a new process, as a job of WCT does, which computes five events with one thread.
TorchScript watches the first run of a module and optimises it before the second. Times are medians
and ranges of processor seconds; `total` is the load and the first two events, `above` what these
take above two later ones.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from roilab.benchmark.export_variants import PlainTrace, RoilabExport
from roilab.building import build
from roilab.entry_point import config_dir
from roilab.inference import TrainedNetwork
from roilab.wirecell.torchscript import ignore_deprecation

VARIANTS = ("plain trace", "export")
EVENTS = 5


def write(model: str, variant: str, precision: str, path: Path) -> None:
    """Write a network with random weights."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        overrides = [f"model={model}", "data=pdhd", "data.dir=d", "output_dir=o", "run_dir=o"]
        more = ["data.rebin=10", f"export.precision={precision}"]
        config = compose("train", [*overrides, *more])
    torch.manual_seed(1)
    recipe = OmegaConf.to_container(config, resolve=True)
    settings = build("export", config.export)
    made = PlainTrace() if variant == "plain trace" else RoilabExport(settings)
    made.write(TrainedNetwork(recipe), path, precision)


def run(path: str, size: str) -> None:
    """Load a file and compute events; print the times of both."""
    torch.set_num_threads(1)
    height, width = map(int, size.split("x"))
    images = torch.randn(EVENTS, 1, 3, height, width, generator=torch.Generator().manual_seed(0))
    began = time.process_time()
    with ignore_deprecation():
        module = torch.jit.load(path)
    times = [time.process_time() - began]
    with torch.no_grad():
        for image in images:
            began = time.process_time()
            module(image)
            times.append(time.process_time() - began)
    print(json.dumps(times))


def measure(path: Path, size: str, repeats: int) -> list[list[float]]:
    """Return the times of load and events, for every process."""
    command = [sys.executable, __file__, "--run", str(path), "--size", size]
    runs = []
    for _ in range(repeats):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return runs


def table_row(runs: list[list[float]]) -> str:
    """Return the cells of a file: load, first, second, later, total and above."""
    columns: list[list[float]] = [[run[i] for run in runs] for i in range(3)]
    columns.append([time for run in runs for time in run[3:]])
    columns.append([sum(run[:3]) for run in runs])
    columns.append([sum(run[:3]) - 2 * statistics.median(run[3:]) for run in runs])
    return " | ".join(
        f"{statistics.median(column):.2f} ({min(column):.2f}-{max(column):.2f})"
        for column in columns
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["unet_small", "mobilenetv3"])
    parser.add_argument("--size", default="800x600", help="channels x slices")
    parser.add_argument("--precision", default="float32", choices=("float32", "bf16"))
    parser.add_argument("--repeats", type=int, default=3, help="processes for each file")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run(options.run, options.size)
        return
    print(f"{options.size}, {options.precision}, {torch.backends.cpu.get_cpu_capability()}\n")
    print("| network | variant | load | first | second | later | total | above |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            for variant in VARIANTS:
                path = Path(folder) / model / variant / "model.ts"
                path.parent.mkdir(parents=True)
                write(model, variant, options.precision, path)
                cells = table_row(measure(path, options.size, options.repeats))
                print(f"| {model} | {variant} | {cells} |")


if __name__ == "__main__":
    main()
