"""Measure seconds and memory to load one event: roilab cold and warm, and an h5py + numpy loop.

    python benchmarks/loading.py FOLDER [--rebin 10] [--repeat 5]

FOLDER holds g4-rec-N.h5 and g4-tru-N.h5 (ProtoDUNE-HD, plane V). In every round the three ways take
turns, so a change in the speed of the machine affects all of them. Files are in the page cache
before the first round. Peak memory is measured in a new process, above its memory after the
imports.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import torch

from roilab.data import (
    ImageCache,
    ImageSource,
    ImageSpec,
    PlaneSelection,
    RoiDataset,
    TruthSpec,
    list_images,
)
from roilab.detectors import Readout
from roilab.frames import match_files

LAYERS = ("loose_lf", "mp2_roi", "mp3_roi")
TICKS = (0, 6000)
READOUT = Readout({"V": (800, 1600)}, 2560, None, TICKS, ("deposplat", "ductor"), TICKS[1])
WAYS = ("plain loop", "cold", "warm")


def plain_loop(source: ImageSource, rebin: int) -> dict[str, np.ndarray]:
    """Load one event as a simple script does: read, stack, rebin, crop (dense files only)."""
    apa = source.apa
    with h5py.File(source.pair.rec, "r", locking=False) as rec:
        group = rec[str(source.rec_event)]
        frames = [group[f"frame_{layer}{apa}"][:] for layer in LAYERS]
        first = int(group[f"channels_{LAYERS[0]}{apa}"][0])
    with h5py.File(source.pair.tru, "r", locking=False) as tru:
        frames.append(tru[str(source.tru_event)][f"frame_{source.truth_tag}"][:])
    low, high = source.channel_ranges[0][0] - first, source.channel_ranges[0][1] - first
    image = np.stack(frames)
    image = image.reshape(*image.shape[:2], -1, rebin).mean(-1)
    image = image[:, low:high, : (TICKS[1] - TICKS[0]) // rebin]
    return {"image": image[:-1] / 4000, "truth_mask": image[-1:] > 100}


def dataset(folder: Path, rebin: int, cache: Path | None) -> RoiDataset:
    """Return roilab's dataset, as ``data=pdhd`` configures it."""
    spec = ImageSpec(LAYERS, READOUT.truth, TICKS, rebin)
    pairs = match_files(folder, "g4-rec-*.h5", "g4-tru-*.h5")
    sources = list_images(pairs, READOUT, PlaneSelection(("V",)), spec)
    stored = ImageCache(cache, 50) if cache else None
    return RoiDataset(sources, spec, TruthSpec(100, 0, "bins"), 1 / 4000, stored)


def load(way: str, data: RoiDataset, cached: RoiDataset, index: int) -> None:
    """Load one event in one of the ways."""
    if way == "plain loop":
        plain_loop(data.sources[index], data.spec.rebin)
    else:
        (data if way == "cold" else cached)[index]


def seconds(
    data: RoiDataset, cached: RoiDataset, events: range, repeat: int
) -> dict[str, list[float]]:
    """Return mean seconds per event of every round, by way; the ways take turns at each event."""
    rounds: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(repeat + 1):
        spent = dict.fromkeys(WAYS, 0.0)
        for index in events:
            for way in WAYS:
                began = time.perf_counter()
                load(way, data, cached, index)
                spent[way] += time.perf_counter() - began
        if number:  # the first round fills the image cache and the page cache
            for way in WAYS:
                rounds[way].append(spent[way] / len(events))
    return rounds


def peak_memory(way: str, folder: Path, rebin: int, cache: Path) -> float:
    """Return the peak memory [MB] of loading two events in a new process, relative to before."""
    command = [sys.executable, __file__, str(folder), "--rebin", str(rebin), "--only", way]
    done = subprocess.run(
        [*command, "--cache", str(cache)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def print_peak_memory(way: str, data: RoiDataset, cached: RoiDataset) -> None:
    """Print the peak memory [MB]; this runs in the new process of ``peak_memory``."""
    before = peak_resident()
    for index in (0, 1):
        load(way, data, cached, index)
    print(peak_resident() - before)


def peak_resident() -> float:
    """Return the peak resident memory of this process [MB]; getrusage includes its parent's."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1e3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rebin", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--events", type=int, default=6)
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)  # as in a data loader's worker
    with tempfile.TemporaryDirectory() as temporary:
        cache = options.cache or Path(temporary)
        data = dataset(options.folder, options.rebin, None)
        cached = dataset(options.folder, options.rebin, cache)
        if options.only:
            print_peak_memory(options.only, data, cached)
            return
        events = range(min(options.events, len(data)))
        rounds = seconds(data, cached, events, options.repeat)
        memory = {
            way: [peak_memory(way, options.folder, options.rebin, cache) for _ in range(3)]
            for way in WAYS
        }
    print(f"rebin {options.rebin}, {len(events)} events, {options.repeat} rounds\n")
    print("| way | s/event median (min-max) | plain loop / way (min-max) | peak MB (min-max) |")
    print("|---|---|---|---|")
    for way in WAYS:
        times = rounds[way]
        ratios = [plain / own for plain, own in zip(rounds["plain loop"], times, strict=True)]
        print(
            f"| {way} | {statistics.median(times):.4f} ({min(times):.4f}-{max(times):.4f}) "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) "
            f"| {statistics.median(memory[way]):.0f} "
            f"({min(memory[way]):.0f}-{max(memory[way]):.0f}) |"
        )
    warm = [c / w for c, w in zip(rounds["cold"], rounds["warm"], strict=True)]
    print(f"\nwarm is {statistics.median(warm):.0f} times faster than cold")


if __name__ == "__main__":
    main()
