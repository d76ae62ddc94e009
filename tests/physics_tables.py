"""Read and compare the tables of charge metrics that trainings and evaluations write."""

import csv
from pathlib import Path
from typing import Any

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


def evaluation_rows(**more: Any) -> list[dict[str, Any]]:
    """Return rows of the network and of gauss at 0 and 80 degrees, as an evaluation writes them.

    At 80 degrees the network is better by far; at 0 degrees both are equal within errors.
    """
    rows = []
    for angle, method, bias, inefficiency in (
        (0, "dnn", 1.0, 0.0),
        (0, "gauss", 0.0, 0.0),
        (80, "dnn", -3.0, 2.0),
        (80, "gauss", -60.0, 30.0),
    ):
        row: dict[str, Any] = {"plane": "V", "sample": "tracks", "energy": "", "theta_xz": angle}
        row |= {"method": method, "events": 2, "mask_thresh": 0.5 if method == "dnn" else ""}
        row |= {"bias": bias, "bias_low": bias - 0.5, "bias_high": bias + 0.5}
        row |= {"resolution": 10, "resolution_low": 9.5, "resolution_high": 10.5}
        row |= {"inefficiency": inefficiency, "inefficiency_low": max(0, inefficiency - 0.5)}
        row |= {"inefficiency_high": inefficiency + 1.5}
        row |= {"roi_purity": 0.95 if method == "dnn" else 0.5}
        rows.append(row | more)
    return rows


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as the CSV table of an evaluation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
