"""Read the tables of charge metrics that trainings and evaluations write."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roilab.errors import RoilabError
from roilab.types import Row
from roilab.verdict.rule import NETWORK, number

TRAINING_TABLE = "physics/best.csv"  # in a run: of its best checkpoint, by its training
EVALUATION_TABLE = "table.csv"  # in a folder of an evaluation


class PhysicsTableError(RoilabError):
    """A table of charge metrics cannot be read."""


@dataclass(frozen=True)
class PhysicsTable:
    """Rows of one table of charge metrics, cells as text."""

    path: Path
    rows: Sequence[Row]


def read_table(path: Path) -> list[Row]:
    """Read a CSV table, cells as text.

    Raises:
        OSError: the file cannot be read.
        csv.Error: it is no CSV table.
        ValueError: it is no text.
    """
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, restval=""))


def read_training_table(run_dir: Path) -> list[Row]:
    """Read the charge metrics that a training has written; none where it has no samples.

    Raises:
        PhysicsTableError: the file cannot be read.
    """
    path = run_dir / TRAINING_TABLE
    return _read(path) if path.is_file() else []


def read_run_tables(run_dir: Path, mask_thresh: float | None = None) -> list[PhysicsTable]:
    """Read all tables of charge metrics in the folder of a run.

    Evaluations lie in it, such as in ``evaluation`` or ``evaluations/tracks``; they come first, by
    name, and the table of the training last, without the plane, sample and energy that an
    evaluation has too. Two evaluations can have samples of the same name; the folder is then added
    to the second one. Left out are tables without a network, or of another mask threshold.

    Args:
        run_dir: folder of the run.
        mask_thresh: of the network; ``None`` takes tables of any threshold.

    Raises:
        PhysicsTableError: a file cannot be read.
    """
    paths = {*run_dir.glob(f"*/{EVALUATION_TABLE}"), *run_dir.glob(f"*/*/{EVALUATION_TABLE}")}
    tables = [PhysicsTable(path, _read(path)) for path in sorted(paths)]
    tables = [table for table in tables if _fits(table.rows, mask_thresh)]
    seen: set[Any] = set()
    named = []
    for table in tables:
        folder = table.path.parent.name
        rows = [
            {**row, "sample": f"{row.get('sample')} ({folder})"} if _group(row) in seen else row
            for row in table.rows
        ]
        seen |= {_group(row) for row in table.rows}
        named.append(PhysicsTable(table.path, rows))
    rows = [row for row in read_training_table(run_dir) if _group(row) not in seen]
    training = [PhysicsTable(run_dir / TRAINING_TABLE, rows)] if _fits(rows, mask_thresh) else []
    return [*named, *training]


def _group(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("plane", "sample", "energy"))


def _fits(rows: Sequence[Row], mask_thresh: float | None) -> bool:
    """Return whether a table has a network with this mask threshold."""
    of_network = [row for row in rows if row.get("method") == NETWORK]
    if mask_thresh is None:
        return bool(of_network)
    known = [number(row.get("mask_thresh")) for row in of_network]
    # A table rounds its numbers; NaN, of a table without the column, fits any threshold.
    return bool(known) and not any(abs(value - mask_thresh) > 1e-5 for value in known)


def _read(path: Path) -> list[Row]:
    try:
        return read_table(path)
    except (OSError, csv.Error, ValueError) as error:
        raise PhysicsTableError(
            f"{path}: cannot be read ({error}); expected the CSV table of a training or of an "
            "evaluation. Remove it, or run that again."
        ) from error
