"""Reading the CSV logs of a run."""

import csv
from pathlib import Path

Curves = dict[str, list[tuple[int, float]]]


def read_curves(folder: Path) -> Curves:
    """Values against epoch of everything logged once an epoch.

    A resumed run has a log for every start (``version_0``, ``version_1``, ...); where two tell of
    one epoch, the later is taken.

    Args:
        folder: holds ``version_*/metrics.csv``.

    Returns:
        (epoch, value) pairs in order of epoch, by name.
    """
    values: dict[str, dict[int, float]] = {}
    versions = sorted(folder.glob("version_*"), key=lambda path: int(path.name.split("_")[1]))
    for version in versions:
        with (version / "metrics.csv").open(newline="") as stream:
            for row in csv.DictReader(stream):
                for name, text in row.items():
                    if text and name not in ("epoch", "step") and row["epoch"]:
                        values.setdefault(name, {})[int(row["epoch"])] = float(text)
    return {name: sorted(points.items()) for name, points in sorted(values.items())}
