"""Read the tables of charge metrics that trainings and evaluations write."""

import csv
from pathlib import Path

from roilab.errors import RoilabError
from roilab.types import Row

TRAINING_TABLE = "physics/best.csv"  # in a run: of its best checkpoint, by its training


class PhysicsTableError(RoilabError):
    """A table of charge metrics cannot be read."""


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
    try:
        return read_table(path) if path.is_file() else []
    except (OSError, csv.Error, ValueError) as error:
        raise PhysicsTableError(
            f"{path}: cannot be read ({error}); expected the CSV table of a training. Remove it, "
            "or train again."
        ) from error
