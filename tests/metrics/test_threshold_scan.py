"""Metrics at several mask thresholds, against loops over pixels."""

import math
from itertools import groupby

import numpy as np
import pytest
import torch

from roilab.metrics import ThresholdScan
from two_processes import in_two_processes

THRESHOLDS = (0.2, 0.5, 0.9, 1.0)


def images() -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Return probability, truth mask and truth charge of three images."""
    random = np.random.default_rng(1)
    made = []
    for _ in range(3):
        charge = random.uniform(0, 500, (6, 20)).astype(np.float32)
        truth = charge > 300
        probability = np.clip(0.6 * truth + random.uniform(0, 0.4, truth.shape), 0, 1)
        parts = (probability.astype(np.float32), truth, charge)
        made.append(tuple(torch.from_numpy(part) for part in parts))
    return made  # type: ignore[return-value]


def by_loops(threshold: float) -> dict[str, float]:
    """Count pixel by pixel, and run by run."""
    found = charge = both = true = marked = pixels = runs = pure = 0.0
    for probability, truth, q in images():
        for row in range(truth.shape[0]):
            cells = list(
                zip(*(part[row].tolist() for part in (probability, truth, q)), strict=True)
            )
            for p, t, one in cells:
                found += one * (t and p > np.float32(threshold))
                charge += one * t
                both += t and p > np.float32(threshold)
                true += t
                marked += p > np.float32(threshold)
                pixels += 1
            for inside, run in groupby(cells, lambda cell: cell[0] > np.float32(threshold)):
                if inside:
                    runs += 1
                    pure += any(t for _, t, _ in run)
    return {
        "images": 3, "marked": marked / pixels, "charge_efficiency": found / charge,
        "pixel_efficiency": both / true, "dice": 2 * both / (true + marked),
        "roi_purity": pure / runs if runs else math.nan,
    }  # fmt: skip


def scanned(numbers: slice) -> list[dict[str, float]]:
    scan = ThresholdScan(THRESHOLDS)
    for image in images()[numbers]:
        scan.update(*image)
    return scan.rows()


def test_every_threshold_is_counted_as_by_hand() -> None:
    rows = scanned(slice(0, 3))
    assert [row["mask_thresh"] for row in rows] == list(THRESHOLDS)
    assert rows[0]["charge_efficiency"] == 1
    assert 0 < rows[2]["charge_efficiency"] < 1
    assert rows[2]["charge_efficiency"] != pytest.approx(rows[2]["pixel_efficiency"], abs=1e-4)
    for row in rows:
        for name, value in by_loops(row["mask_thresh"]).items():
            assert row[name] == pytest.approx(value, rel=1e-6, nan_ok=True), name
    # Nothing is above 1: no ROI, so no purity.
    assert rows[3]["marked"] == 0
    assert math.isnan(rows[3]["roi_purity"])


def _share(rank: int) -> list[dict[str, float]]:
    return scanned(slice(0, 0) if rank == 0 else slice(0, 3))


def test_a_process_without_images_takes_part() -> None:
    expected = [pytest.approx(row, nan_ok=True) for row in scanned(slice(0, 3))]
    assert in_two_processes(_share) == [expected] * 2
