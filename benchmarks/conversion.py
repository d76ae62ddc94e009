"""Measure the conversion of frame files HDF5 -> npz -> HDF5: roilab beside a plain loop.

    python benchmarks/conversion.py FILE... [--repeat 3]

Every way runs in a new process; the ways take turns. The plain loop holds all arrays of a file, as
``np.savez_compressed`` needs them. One command of roilab converts all files; its start is part of
the time, the imports are not. MB are those of the samples (1e6 bytes). Peak memory is above that
after the imports. Both ways are checked to give the samples back.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np

from roilab.convert.__main__ import main as convert
from roilab.frames import open_frames
from roilab.peak_memory import PeakMemory, status_mb


def roilab_way(files: Sequence[Path], folder: Path, container: str) -> None:
    """Convert with one ``roilab convert``."""
    names = ",".join(map(str, files))
    sys.argv = ["roilab.convert", f"frames=[{names}]", f"output_dir={folder}"]
    sys.argv.append(f"container={container}")
    convert()


def plain_way(files: Sequence[Path], folder: Path, container: str) -> None:
    """Convert as a simple script does."""
    folder.mkdir(exist_ok=True)
    for source in files:
        path = folder / f"{source.stem}.{container}"
        (to_npz if container == "npz" else to_hdf5)(source, path)


def to_npz(source: Path, path: Path) -> None:
    """Write all arrays of an HDF5 file into an archive."""
    with h5py.File(source, "r") as file:
        arrays = {
            f"{name}_{event}": data[:] for event in file for name, data in file[event].items()
        }
    np.savez_compressed(path, **arrays)


def to_hdf5(source: Path, path: Path) -> None:
    """Write all arrays of an archive into an HDF5 file, with the filters of roilab."""
    filters = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    with np.load(source) as arrays, h5py.File(path, "w") as file:
        for key in arrays.files:
            name, _, event = key.rpartition("_")
            options = filters if name.startswith("frame_") else {}
            file.create_dataset(f"{event}/{name}", data=arrays[key], **options)


WAYS: dict[str, Callable[[Sequence[Path], Path, str], None]] = {
    "roilab convert": roilab_way,
    "plain loop": plain_way,
}


def samples_mb(path: Path) -> float:
    """Return the size of all samples of a file [1e6 bytes]."""
    with open_frames(path) as frames:
        infos = [frames.info(event, tag) for event in frames.events for tag in frames.tags(event)]
        return sum(len(i.channels) * i.n_columns * i.dtype.itemsize for i in infos) / 1e6


def check_equal(path: Path, other: Path) -> None:
    """Check that two files hold the same frames."""
    with open_frames(path) as ours, open_frames(other) as theirs:
        assert ours.events == theirs.events
        for event in ours.events:
            assert ours.tags(event) == theirs.tags(event)
            for tag in ours.tags(event):
                one, two = (f.read_rows(event, tag, slice(None)) for f in (ours, theirs))
                assert one.dtype == two.dtype
                np.testing.assert_array_equal(one, two)


def run_way(way: str, files: Sequence[Path]) -> None:
    """Print seconds of both directions and the peak memory [MB] of one way."""
    numbers: list[float] = []
    sizes = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        small = [smallest(folder)]
        for container in ("npz", "h5"):  # imports
            WAYS[way](small, folder / f"small-{container}", container)
            small = sorted((folder / f"small-{container}").iterdir())
        inputs = links(files, folder / "in")
        peak, before = PeakMemory(), status_mb("VmRSS") or 0.0
        for container in ("npz", "h5"):
            began = time.perf_counter()
            WAYS[way](inputs, folder / container, container)
            numbers.append(time.perf_counter() - began)
            inputs = sorted((folder / container).iterdir())
            sizes.append(sum(path.stat().st_size for path in inputs))
        numbers.append(peak.mb() - before)
        for source, path in zip(files, inputs, strict=True):
            check_equal(source, path)
    print("RESULT", *numbers, *sizes)


def links(files: Sequence[Path], folder: Path) -> list[Path]:
    """Return links to the files in one folder, in their order."""
    folder.mkdir()
    paths = [folder / f"{number:03}{path.suffix}" for number, path in enumerate(files)]
    for link, path in zip(paths, files, strict=True):
        link.symlink_to(path.absolute())
    return paths


def smallest(folder: Path) -> Path:
    """Write a frame file of a few bytes."""
    path = folder / "small.h5"
    with h5py.File(path, "w") as file:
        file["0/frame_x1"] = np.zeros((2, 5), np.float32)
        file["0/channels_x1"] = np.arange(2)
        file["0/tickinfo_x1"] = np.array([0.0, 500.0, 0.0])
    return path


def measure(way: str, files: Sequence[Path]) -> list[float]:
    """Return seconds, peak memory and sizes of one way, in a new process."""
    command = [sys.executable, __file__, *map(str, files), "--only", way]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if found is None:
        raise SystemExit(done.stdout + done.stderr)
    return [float(number) for number in found[1].split()]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        run_way(options.only, options.files)
        return
    rounds = [{way: measure(way, options.files) for way in WAYS} for _ in range(options.repeat)]
    total = sum(map(samples_mb, options.files))
    print(f"{len(options.files)} files, {total:.1f} MB of samples, {options.repeat} rounds\n")
    print(
        "| way | HDF5 to npz MB/s, median (min-max) | npz to HDF5 MB/s | peak MB "
        "| npz MB | HDF5 MB |"
    )
    print("|---|---|---|---|---|---|")
    for way in WAYS:
        rows = [one[way] for one in rounds]
        there, back = ([total / row[n] for row in rows] for n in (0, 1))
        peaks = [row[2] for row in rows]
        print(
            f"| {way} | {spread(there)} | {spread(back)} | {spread(peaks)} "
            f"| {rows[0][3] / 1e6:.1f} | {rows[0][4] / 1e6:.1f} |"
        )


def spread(values: Sequence[float]) -> str:
    """Return median and range of some numbers."""
    return f"{statistics.median(values):.0f} ({min(values):.0f}-{max(values):.0f})"


if __name__ == "__main__":
    main()
