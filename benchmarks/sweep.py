"""What a sweep costs beside training: seconds from job to job, for jobs of one step.

python benchmarks/sweep.py [--jobs 6] [--apart]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_SETS = {
    "logger=csv callbacks=none": ["logger=csv", "callbacks=none"],
    "default loggers and callbacks": ["callbacks.progress_bar=null"],
}
# One step of a tiny network on the simulated frames.
_COMMON = [
    *("trainer=cpu", "trainer.max_epochs=1", "trainer.limit_train_batches=1"),
    *("trainer.limit_val_batches=1", "data.num_workers=0", "model=unet"),
    "model.net.encoder_widths=[4,8,8,8,8]",
    "model.net.decoder_widths=[8,8,4,4]",
]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--apart", action="store_true", help="every job in a process of its own")
    options = parser.parse_args()
    apart = ["sweep.own_process=true"] if options.apart else []
    print(f"{options.jobs} jobs of one step")
    print(f"{'':32}{'whole [s]':>12}{'start-up and first [s]':>24}{'each further [s]':>18}")
    with tempfile.TemporaryDirectory() as place:
        measure(_SETS["logger=csv callbacks=none"] + apart, 1, Path(place) / "cache")
        for name, overrides in _SETS.items():
            whole, further = measure(
                [*overrides, *apart], options.jobs, Path(place) / f"set{len(overrides)}"
            )
            first = whole - (options.jobs - 1) * further
            print(f"{name:32}{whole:12.1f}{first:24.1f}{further:18.2f}")


def measure(overrides: list[str], jobs: int, folder: Path) -> tuple[float, float]:
    """Wall time of a sweep, and of each of its jobs but the first [s]."""
    seeds = ",".join(map(str, range(jobs)))
    command = [sys.executable, "-m", "roilab.train", "-m", *_COMMON, *overrides]
    command += [f"seed={seeds}", "data.split_seed=1", f"sweep.dir='{folder}'"]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr + done.stdout)
    ended, whole = time.time(), time.perf_counter() - began
    log = folder / json.loads((folder / "sweep.json").read_text())["jobs"][0] / "status.json"
    # The status file of the first job was written when that was over.
    return whole, (ended - log.stat().st_mtime) / max(1, jobs - 1)


if __name__ == "__main__":
    main()
