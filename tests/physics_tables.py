"""Read and compare the tables of charge metrics that trainings and evaluations write."""

import csv
from pathlib import Path

import pytest

Table = list[dict[str, str]]


def read_table(path: Path) -> Table:
    """Return the rows, without the time at which a training wrote them."""
    with path.open() as stream:
        return [{k: v for k, v in row.items() if k != "when"} for row in csv.DictReader(stream)]


def assert_same(one: Table, other: Table) -> None:
    """Compare numbers with a tolerance, and texts exactly."""
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert set(a) == set(b)
        for name, value in a.items():
            try:
                assert float(value) == pytest.approx(float(b[name]), rel=1e-4, abs=1e-4), name
            except ValueError:
                assert value == b[name], name
