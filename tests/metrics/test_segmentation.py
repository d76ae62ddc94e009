"""Counts by hand and against slow loops."""

from itertools import groupby

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from roilab.metrics import count_runs_hit, segmentation_metrics

TRUE = [[1, 1, 0, 0, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 1, 0, 0, 0]]
PREDICTED = [[0, 1, 1, 0, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0]]


def masks(rows: list[list[int]]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.bool)


def test_by_hand() -> None:
    metrics = segmentation_metrics()
    metrics.update(masks(PREDICTED)[None, None], masks(TRUE)[None, None])
    values = {name: float(value) for name, value in metrics.compute().items()}
    # Truth has 7 pixels in 6 runs, the prediction 9 in 4; 4 pixels agree. Hit are the true runs
    # 0-1 of the first channel and all three of the last, and the predicted runs 1-2 and 0-4.
    assert values == pytest.approx(
        {
            "pixel_efficiency": 4 / 7,
            "pixel_purity": 4 / 9,
            "dice": 8 / 16,
            "roi_efficiency": 4 / 6,
            "roi_purity": 2 / 4,
        }
    )


def test_counts_are_summed_before_dividing() -> None:
    together, in_parts = segmentation_metrics(), segmentation_metrics()
    rng = torch.Generator().manual_seed(0)
    predicted, true = (torch.rand(2, 6, 1, 5, 20, generator=rng) > 0.7).unbind()
    together.update(predicted, true)
    for part in (slice(0, 1), slice(1, 6)):
        in_parts.update(predicted[part], true[part])
    assert together.compute() == in_parts.compute()


def test_empty_denominators_are_nan() -> None:
    metrics = segmentation_metrics()
    nothing = torch.zeros(1, 1, 3, 4, dtype=torch.bool)
    metrics.update(nothing, nothing)
    assert all(value.isnan() for value in metrics.compute().values())
    metrics.update(nothing, ~nothing)
    values = metrics.compute()
    assert values["pixel_efficiency"] == values["roi_efficiency"] == values["dice"] == 0
    assert values["pixel_purity"].isnan()
    assert values["roi_purity"].isnan()


def runs_slowly(row: np.ndarray) -> list[list[int]]:
    groups = groupby(enumerate(row), key=lambda pair: bool(pair[1]))
    return [[index for index, _ in group] for value, group in groups if value]


@given(npst.arrays(bool, st.tuples(st.just(2), st.integers(1, 4), st.integers(1, 20))))
def test_runs_against_a_loop(pair: np.ndarray) -> None:
    runs, pixels = pair
    expected = [(y, run) for y, row in enumerate(runs) for run in runs_slowly(row)]
    hit = [1 for y, run in expected if pixels[y, run].any()]
    counted = count_runs_hit(torch.from_numpy(runs), torch.from_numpy(pixels))
    assert [int(c) for c in counted] == [len(expected), len(hit)]
