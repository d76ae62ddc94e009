"""One process against two processes (DDP), at the same global batch, on the CPU.

    python benchmarks/ddp.py FOLDER [--epochs 3] [--rounds 3] [overrides]

FOLDER holds g4-rec-N.h5 and g4-tru-N.h5 of ProtoDUNE-HD; the last file is for validation. Every
step takes two images: as a batch of two in one process with one thread, the same with two
threads, or as a batch of one in each of two processes with one thread. Printed are seconds an
image, from the second epoch on, without validation. The efficiency is the time of one thread over
twice that of two processes; the same for two threads.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from side_by_side import Trainings

WAYS = {
    "one process, one thread": ("trainer=cpu", "trainer.threads=1", "data.batch_size=2"),
    "one process, two threads": ("trainer=cpu", "trainer.threads=2", "data.batch_size=2"),
    "two processes (DDP)": ("trainer=ddp_cpu", "trainer.threads=1", "data.batch_size=1"),
}


def seconds_an_image(frames: Path, epochs: int, overrides: list[str], top: Path) -> float:
    """Train; return the seconds of an image."""
    process, times = Trainings(frames, epochs, overrides, top).start()
    if process.wait():
        raise SystemExit("A training failed; its message is above.")
    record = json.loads(times.read_text())
    return float(statistics.median(record["train_seconds"][1:])) / (2 * record["events"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("overrides", nargs="*", help="of roilab's configuration")
    options = parser.parse_intermixed_args()
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(options.rounds):
            for place, (name, settings) in enumerate(WAYS.items()):
                top = Path(scratch) / f"{number}-{place}"
                top.mkdir()
                overrides = [*settings, *options.overrides]
                seconds[name].append(
                    seconds_an_image(options.folder, options.epochs, overrides, top)
                )
    one = next(iter(seconds.values()))
    print("| | s an image, median (range) | efficiency |\n|---|---|---|")
    for name, own in seconds.items():
        shares = [alone / (2 * both) for alone, both in zip(one, own, strict=True)]
        efficiency = "" if own is one else f"{statistics.median(shares):.2f}"
        spread = f"{min(own):.2f}-{max(own):.2f}"
        print(f"| {name} | {statistics.median(own):.2f} ({spread}) | {efficiency} |")


if __name__ == "__main__":
    main()
