"""Measure processor time and peak memory of one simulated event of every detector.

    python benchmarks/detectors.py [DETECTOR...] [--kinds tracks cosmic showers] [KEY=VALUE...]

Every event is one ``roilab simulate`` with one thread: start, field calculation and writing are
part of it. Processor time, not time on the clock, so that other programs on the machine disturb
little. Memory is the peak of the process. A shower has 5 GeV, the largest of the samples. Further
arguments with ``=`` are settings, such as ``simulation.planes=[v]``.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from roilab.entry_point import config_dir

KINDS = ("tracks", "cosmic", "showers")
ONE_SHOWER = "simulation.generator.energy_mev=[5000]"


def simulate(detector: str, kind: str, settings: Sequence[str]) -> tuple[float, float]:
    """Return processor time [s] and peak memory [MB] of one event."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "roilab.simulate", f"simulation={kind}"]
        command += [f"detector={detector}", "simulation.events=1", "simulation.events_per_file=1"]
        command += [f"output_dir={folder}/sample", *([ONE_SHOWER] if kind == "showers" else [])]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [*command, *settings], env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{detector}, {kind}: the command failed.")
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    known = sorted(path.stem for path in Path(config_dir(), "detector").glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", metavar="DETECTOR or KEY=VALUE")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args(arguments)
    settings = [word for word in options.words if "=" in word]
    detectors = [word for word in options.words if "=" not in word] or known
    kinds = [f"{kind}: time [s], memory [MB]" for kind in options.kinds]
    print(f"| detector | {' | '.join(kinds)} |")
    print("|---" * (1 + len(kinds)) + "|")
    for detector in detectors:
        print(f"| `{detector}` |", end="", flush=True)
        for kind in options.kinds:
            seconds, megabytes = simulate(detector, kind, settings)
            print(f" {seconds:.0f}, {megabytes:.0f} |", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
