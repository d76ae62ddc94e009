"""Read the CSV logs of a run."""

import csv
from pathlib import Path

Curves = dict[str, list[tuple[int, float]]]


def read_curves(folder: Path) -> Curves:
    """Read all values that are logged once an epoch.

    A resumed run has one log for every start (``version_0``, ``version_1``, ...). Where two logs
    contain the same epoch, the later log counts. The log of a killed process is read up to its last
    complete line; it may contain no epoch. ``folder`` contains ``version_*/metrics.csv``.

    Returns:
        (epoch, value) pairs in order of epoch, by name.
    """
    values: dict[str, dict[int, float]] = {}
    versions = sorted(folder.glob("version_*"), key=lambda path: int(path.name.split("_")[1]))
    for version in versions:
        for row in csv.DictReader(_complete_lines(version / "metrics.csv")):
            for name, text in row.items():
                if text and name not in ("epoch", "step") and row.get("epoch"):
                    values.setdefault(name, {})[int(row["epoch"])] = float(text)
    return {name: sorted(points.items()) for name, points in sorted(values.items())}


def _complete_lines(path: Path) -> list[str]:
    """Return the lines of a log without an incomplete last one; none where there is no log."""
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    return lines if not lines or lines[-1].endswith("\n") else lines[:-1]
