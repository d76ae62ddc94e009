"""Read the CSV logs of a run."""

import csv
from pathlib import Path

Curves = dict[str, list[tuple[int, float]]]


def read_curves(folder: Path) -> Curves:
    """Read all values that are logged once an epoch.

    A resumed run has one log for every start (``version_0``, ``version_1``, ...). Where two logs
    contain the same epoch, the later log counts. The log of a killed process is read up to its last
    complete line; it may contain no epoch. Damaged lines are left out. ``folder`` contains
    ``version_*/metrics.csv``.

    Returns:
        (epoch, value) pairs in order of epoch, by name.
    """
    values: dict[str, dict[int, float]] = {}
    versions = [path for path in folder.glob("version_*") if path.name[8:].isdecimal()]
    for version in sorted(versions, key=lambda path: int(path.name[8:])):
        for row in csv.DictReader(_complete_lines(version / "metrics.csv")):
            if None in row or None in row.values():  # too many cells, or too few
                continue
            epoch = row.pop("epoch", "")
            row.pop("step", None)
            for name, text in row.items():
                if epoch.isdecimal() and (value := _number(text)) is not None:
                    values.setdefault(name, {})[int(epoch)] = value
    return {name: sorted(points.items()) for name, points in sorted(values.items())}


def _complete_lines(path: Path) -> list[str]:
    """Return the lines of a log without an incomplete last one; none where there is no log."""
    lines = path.read_text(errors="replace").splitlines(keepends=True) if path.is_file() else []
    return lines if not lines or lines[-1].endswith("\n") else lines[:-1]


def _number(text: str) -> float | None:
    """Return the number of a cell; ``None`` for an empty or damaged one."""
    try:
        return float(text)
    except ValueError:
        return None
