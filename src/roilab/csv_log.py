"""Read the CSV logs of a run."""

import csv
from collections.abc import Iterator
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
        rows = csv.reader(_complete_lines(version / "metrics.csv"))
        names = next(rows, [])
        epochs = names.index("epoch") if "epoch" in names else None
        columns = [(n, name) for n, name in enumerate(names) if name not in ("epoch", "step")]
        for row in rows:
            # Most rows of a long training are those of single steps.
            if epochs is None or len(row) != len(names) or not row[epochs].isdecimal():
                continue
            for number, name in columns:
                if (value := _number(row[number])) is not None:
                    values.setdefault(name, {})[int(row[epochs])] = value
    return {name: sorted(points.items()) for name, points in sorted(values.items())}


def _complete_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a log but an incomplete last one; none where there is no log."""
    if path.is_file():
        with path.open(errors="replace") as stream:
            yield from (line for line in stream if line.endswith("\n"))


def _number(text: str) -> float | None:
    """Return the number of a cell; ``None`` for an empty or damaged one."""
    try:
        return float(text) if text else None
    except ValueError:
        return None
