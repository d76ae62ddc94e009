"""Make the figures of docs/reliability.md: one row of a table for each theme.

    python benchmarks/reliability [--kills 20] [--only training sweep ...] [--results FILE]

Themes: training, sweep, simulation (interrupted at random moments; the last two half as often),
frame-files, parallel-jobs, full-disk, faults, signals, checkpoints. A theme that fails does not
end the others. With ``--results`` the finished rows are kept in a file, and themes that are in it
are not run again. The exit code is 1 if anything is not as promised.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from finding import Finding
from themes import themes


def attempt(theme: Callable[[Path], Finding]) -> tuple[Finding, float]:
    """Run a theme in a new folder with an empty cache; return its finding and time [s]."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["ROILAB_CACHE"] = f"{temporary}/cache"
        try:
            found = theme(Path(temporary))
        except Exception as error:
            traceback.print_exc()
            found = Finding("", f"failed: {error}"[:200], [f"{type(error).__name__}: {error}"])
    return found, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="signals to a training")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--only", nargs="+", default=None, metavar="THEME")
    parser.add_argument("--results", type=Path, default=None, metavar="FILE")
    options = parser.parse_args()
    chosen = themes(options.kills)
    unknown = [name for name in options.only or () if name not in chosen]
    if unknown:
        parser.error(f"{', '.join(unknown)}: expected some of {', '.join(chosen)}")
    known = options.results is not None and options.results.is_file()
    done = json.loads(options.results.read_text()) if known else {}
    print("| | tried | outcome | faults | minutes |\n|---|---|---|---|---|", flush=True)
    faults = []
    for name in options.only or chosen:
        if name not in done:
            random.seed(options.seed)
            found, seconds = attempt(chosen[name])
            done[name] = {**asdict(found), "seconds": seconds}
            if options.results is not None and not found.outcome.startswith("failed"):
                options.results.write_text(json.dumps(done, indent=1))
        row = done[name]
        cells = (name, row["tried"], row["outcome"], len(row["faults"]))
        print(f"| {' | '.join(map(str, cells))} | {row['seconds'] / 60:.1f} |", flush=True)
        for text in row["faults"]:
            print(f"{name}: {text}", file=sys.stderr, flush=True)
        faults += row["faults"]
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
