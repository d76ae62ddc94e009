"""Compare ``roilab.predict`` with evaluation tick by tick; measure its memory and speed.

    python benchmarks/prediction.py NETWORK SAMPLE [--mask-thresh 0.5] [--events 10 100]

NETWORK is a checkpoint; SAMPLE is a folder of tracks with a meta.json. First every file of the
sample is predicted and compared with the charge that evaluation computes. Then the first file is
predicted many times: as links to it, and as events of one file.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from roilab.detectors import Readout
from roilab.entry_point import config_dir
from roilab.evaluate.evaluator import Evaluator
from roilab.evaluate.methods import dnn
from roilab.evaluate.sample import read_sample
from roilab.inference import PlaneReader, network_spec, open_network, roi_probability

# A small process between this one and the command: Linux counts the memory of the process that
# starts a command as memory of the command.
_START = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


def predict(frames: str, output_dir: Path, *more: str) -> tuple[float, float]:
    """Run the command; return seconds and peak memory [MB] of its largest process."""
    paths = [f"frames={frames}", f"output_dir={output_dir}", *more]
    command = [sys.executable, "-m", "roilab.predict", *paths]
    began = time.perf_counter()
    measured = subprocess.run(
        [sys.executable, "-c", _START, *command], stdout=subprocess.PIPE, check=True, text=True
    )
    seconds = time.perf_counter() - began
    code, kilobytes = map(int, measured.stdout.split())
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return seconds, kilobytes * 1024 / 1e6


def compare(network: str, sample: Path, predicted: Path, more: Sequence[str]) -> Path:
    """Print how many ticks of every image differ between the files and evaluation.

    Returns the path of the last file.
    """
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config: Any = OmegaConf.to_container(
            compose("evaluate", ["sample=none", "run_dir=none", *more]), resolve=True
        )
    file, physics = open_network(network), instantiate(config["physics"])
    spec = network_spec(file, config["network_spec"], file.data)
    readout, method = Readout.from_config(file.data), dnn(physics, spec)
    applied = file.network(spec, physics, "cpu")
    evaluator = Evaluator([method], physics, readout, applied)
    images = read_sample(sample, readout, evaluator.tags, spec.planes)
    files = ",".join(dict.fromkeys(str(image.source.pair.rec) for image in images))
    predict(f"[{files}]", predicted, *more)
    print("| image | ticks | in ROIs | charge of evaluation [e] | ticks that differ |")
    print("|---|---|---|---|---|")
    for image in images:
        plane = evaluator.read(image)
        rois = method.find(plane, roi_probability(applied, plane))
        path = predicted / image.source.pair.rec.name.replace("rec", "dnn")
        with PlaneReader(path, None, readout) as reader:
            charge = reader.read(plane.event, plane.apa, plane.name).tags["dnnsp"]
        different = np.count_nonzero(charge != rois.known_charge)
        total = float(rois.known_charge.sum(dtype=np.float64))
        print(f"| {path.name} | {charge.size} | {rois.mask.sum()} | {total:.6g} | {different} |")
    return image.source.pair.rec


def write_links(source: Path, folder: Path, count: int) -> None:
    """Make ``count`` links to a file."""
    folder.mkdir()
    for number in range(count):
        (folder / f"g4-rec-{number}.h5").symlink_to(source.resolve())


def write_events(source: Path, path: Path, count: int) -> None:
    """Copy a file of one event and repeat its event, without more disk space."""
    path.parent.mkdir()
    shutil.copyfile(source, path)
    with h5py.File(path, "r+") as file:
        (first,) = list(file)
        for number in range(1, count):
            file[str(int(first) + number)] = file[first]


def measure(
    source: Path, work: Path, counts: Sequence[int], workers: Sequence[int], more: Sequence[str]
) -> None:
    """Print memory and speed for every number of events, and of processes."""
    print("\n| frames | num_workers | seconds | events a minute | peak memory [MB] |")
    print("|---|---|---|---|---|")
    runs = [(f"{count} files", count, n) for n in workers for count in counts]
    runs += [(f"1 file of {count} events", count, 1) for count in counts if 1 in workers]
    for number, (name, count, n) in enumerate(runs):
        frames = work / f"frames{number}"
        if name.startswith("1 file"):
            write_events(source, frames / "g4-rec-0.h5", count)
        else:
            write_links(source, frames, count)
        output_dir = work / f"out{number}"
        seconds, memory = predict(str(frames), output_dir, f"num_workers={n}", *more)
        shutil.rmtree(output_dir)
        shutil.rmtree(frames)
        rate = 60 * count / seconds
        print(f"| {name} | {n} | {seconds:.1f} | {rate:.0f} | {memory:.0f} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network")
    parser.add_argument("sample", type=Path)
    parser.add_argument("--mask-thresh", type=float)
    parser.add_argument("--events", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    more = [f"network={options.network}"]
    if options.mask_thresh is not None:
        more.append(f"network_spec.mask_thresh={options.mask_thresh}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        last = compare(options.network, options.sample, work / "sample", more)
        measure(last, work, options.events, options.workers, more)


if __name__ == "__main__":
    main()
