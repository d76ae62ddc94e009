"""Measure ``roilab prepare`` with 1 and 2 processes, and the start of a training on many events.

    python benchmarks/preparation.py FOLDER [--copies 10] [--repeat 3] [--events 10000]

FOLDER holds g4-rec-N.h5 and g4-tru-N.h5 (ProtoDUNE-HD, plane V). They are copied several times.
Numbers of processes take turns in every round; times include the start of Python.

For the start, a prepared set names its images again and again until there are as many events as
asked for; each has an entry in an index, and all share the records. The start is timed in a new
process, to the first batch of a training.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from roilab.data.prepared_set import read_prepared_set
from roilab.data.shard_index import append_entry, read_index

START = """
import sys, time
began = time.perf_counter()
from roilab.building import build
from roilab.notebook.compose import compose
config = compose("train", ["data=prepared", f"data.dir={sys.argv[1]}", "data.num_workers=0"])
imported = time.perf_counter()
data = build("data", config.data)
data.prepare_data()
data.setup()
listed = time.perf_counter()
next(iter(data.train_dataloader()))
print(imported - began, listed - imported, time.perf_counter() - listed)
"""


def prepare(frames: Path, output_dir: Path, processes: int) -> float:
    """Return the seconds of one preparation, from the start of its process to the end."""
    given = ["data=pdhd", f"data.dir={frames}", f"num_workers={processes}"]
    command = [sys.executable, "-m", "roilab.prepare", *given, f"output_dir={output_dir}"]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def enlarge(folder: Path, events: int) -> None:
    """Give a prepared set as many events, by new entries for the records it has."""
    prepared = read_prepared_set(folder)
    places = {}
    for path in folder.glob("*.index"):
        places |= {key: (path, place) for key, place in read_index(path, 0)[0]}
    sources = list(prepared.sources)
    for number in range(len(sources), events):
        source = sources[number % len(prepared.sources)]
        path, place = places[bytes.fromhex(source.key)]
        key = number.to_bytes(16, "little")
        append_entry(path, key, place)
        sources.append(replace(source, rec_event=10_000 + number, key=key.hex()))
    replace(prepared, sources=sources).write(folder)


def copy_frames(folder: Path, target: Path, copies: int) -> None:
    """Copy the frame files several times, under other numbers."""
    target.mkdir()
    numbers = sorted(path.stem.split("-")[-1] for path in folder.glob("g4-rec-*.h5"))
    for copy in range(copies):
        for number in numbers:
            for kind in ("rec", "tru"):
                name = f"g4-{kind}-{int(number) + 1000 * copy}.h5"
                shutil.copyfile(folder / f"g4-{kind}-{number}.h5", target / name)


def print_table(title: str, rows: Mapping[str, Sequence[float]]) -> None:
    """Print median, smallest and largest seconds of every row."""
    print(f"\n| {title} | s median (min-max) |\n|---|---|")
    for name, times in rows.items():
        print(f"| {name} | {statistics.median(times):.2f} ({min(times):.2f}-{max(times):.2f}) |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--events", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        frames, folder = Path(temporary) / "frames", Path(temporary) / "prepared"
        copy_frames(options.folder, frames, options.copies)
        seconds: dict[str, list[float]] = {"1": [], "2": []}
        for _ in range(options.repeat):
            for processes, times in seconds.items():
                shutil.rmtree(folder, ignore_errors=True)
                times.append(prepare(frames, folder, int(processes)))
        events = read_prepared_set(folder).events
        enlarge(folder, options.events)
        starts = [measure_start(folder) for _ in range(options.repeat)]
    print_table(f"processes that prepare {events} events", seconds)
    steps = ("imports and configuration", "list of images", "first batch")
    rows = {name: [start[number] for start in starts] for number, name in enumerate(steps)}
    print_table(f"start on {options.events} events", rows)


def measure_start(folder: Path) -> list[float]:
    """Return the seconds of the steps to the first batch."""
    command = [sys.executable, "-c", START, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(text) for text in done.stdout.splitlines()[-1].split()]


if __name__ == "__main__":
    main()
