"""Reading the CSV logs of a run."""

import csv
from pathlib import Path

Curves = dict[str, list[tuple[int, float]]]


def read_curves(folder: Path) -> Curves:
    """Values against epoch of everything logged once an epoch.

    A resumed run has a log for every start (``version_0``, ``version_1``, ...); where two tell of
    one epoch, the later is taken. What a killed process left is read as far as it goes;
    one that ended within its first epoch may have logged no epoch at all.

    Args:
        folder: holds ``version_*/metrics.csv``.

    Returns:
        (epoch, value) pairs in order of epoch, by name.
    """
    values: dict[str, dict[int, float]] = {}
    versions = sorted(folder.glob("version_*"), key=lambda path: int(path.name.split("_")[1]))
    for version in versions:
        for row in csv.DictReader(_whole_lines(version / "metrics.csv")):
            for name, text in row.items():
                if text and name not in ("epoch", "step") and row.get("epoch"):
                    values.setdefault(name, {})[int(row["epoch"])] = float(text)
    return {name: sorted(points.items()) for name, points in sorted(values.items())}


def _whole_lines(path: Path) -> list[str]:
    """Lines of a log, none where a start was stopped before its first, without half a last one."""
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    return lines if not lines or lines[-1].endswith("\n") else lines[:-1]
