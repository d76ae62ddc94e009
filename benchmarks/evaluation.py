"""Seconds and memory to evaluator one plane event beyond the network's own time.

    python benchmarks/evaluation.py FOLDER [--repeat 5]

FOLDER is a sample of ProtoDUNE-HD tracks with a meta.json. The network is replaced by a threshold
on its first layer, so what is left are reading the frames and evaluating: network input, WCT's
node, charge and pixel metrics of the network, classical ROIs and the ideal. Peak memory is that of
a fresh process, above what it had after imports.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from roilab.detectors.readout import Readout
from roilab.entry_point import config_dir
from roilab.evaluate.evaluator import Evaluator, GroupMetrics
from roilab.evaluate.methods import Gauss, dnn, ideal
from roilab.evaluate.sample import read_sample
from roilab.inference.network import Network, NetworkSpec


def make_evaluator(rebin: int) -> Evaluator:
    """All three methods on ProtoDUNE-HD, with a threshold for a network."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose(
            "evaluate", ["data=pdhd", "data.dir=none", "sample=none", "output_dir=none"]
        )
    data: Any = OmegaConf.to_container(config.data, resolve=True)
    physics = instantiate(config.physics)
    layers = tuple(data["layers"])
    spec = NetworkSpec(layers, ("V",), rebin, data["input_scale"], 0.5, 100, 0, "bins")
    network = Network.in_node(
        "threshold", lambda image: (image[:, :1] > 0.2).float(), spec, physics
    )
    own = ideal(physics, rebin, 100, 0, "bins")
    methods = [dnn(physics, spec), Gauss(physics.gauss), own]
    return Evaluator(methods, physics, Readout.from_config(data), network)


def seconds(evaluator: Evaluator, folder: Path, repeat: int) -> dict[str, list[float]]:
    """Seconds an event of every round, by step; the first round fills the page cache."""
    images = read_sample(folder, evaluator.readout, evaluator.tags, None)
    rounds: dict[str, list[float]] = {name: [] for name in evaluator.seconds}
    for number in range(repeat + 1):
        evaluator.seconds = dict.fromkeys(rounds, 0.0)
        groups = [GroupMetrics(evaluator.physics) for _ in evaluator.methods]
        for image in images:
            evaluator.evaluate_image(image, groups)
        if number:
            for name, spent in evaluator.seconds.items():
                rounds[name].append(spent / len(images))
    return rounds


def print_peak_memory(evaluator: Evaluator, folder: Path) -> None:
    """The child's side of ``peak_memory``: two events after the imports."""
    images = read_sample(folder, evaluator.readout, evaluator.tags, None)
    groups = [GroupMetrics(evaluator.physics) for _ in evaluator.methods]
    before = peak_resident()
    for image in images[:2]:
        evaluator.evaluate_image(image, groups)
    print(peak_resident() - before)


def peak_resident() -> float:
    """Peak resident memory of this process [MB]."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1e3


def peak_memory(folder: Path, rebin: int) -> float:
    """Peak MB of evaluating two events in a fresh process."""
    command = [sys.executable, __file__, str(folder), "--rebin", str(rebin), "--memory"]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rebin", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    evaluator = make_evaluator(options.rebin)
    if options.memory:
        print_peak_memory(evaluator, options.folder)
        return
    rounds = seconds(evaluator, options.folder, options.repeat)
    rounds.pop("network")  # a threshold; nobody asks how fast that is
    memory = [peak_memory(options.folder, options.rebin) for _ in range(3)]
    print(f"rebin {options.rebin}, one thread, {options.repeat} rounds\n")
    print("| step | s/event median (min-max) |")
    print("|---|---|")
    for name, times in rounds.items():
        print(f"| {name} | {statistics.median(times):.3f} ({min(times):.3f}-{max(times):.3f}) |")
    print(f"\npeak memory {statistics.median(memory):.0f} MB")


if __name__ == "__main__":
    main()
