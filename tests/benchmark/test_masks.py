"""Changes between two results, by hand."""

import math

import numpy as np
import pytest

from roilab.benchmark.masks import MaskResult
from roilab.inference import Rois


def result(probability: list[float], charge: list[float], bias: float) -> MaskResult:
    pixels = np.array([probability], np.float32)
    rois = Rois(pixels, pixels > 0.5, np.array([charge], np.float32))
    return MaskResult([pixels], [rois], {"bias": bias, "inefficiency": 2.0}, 0.5)


def test_changes_by_hand() -> None:
    reference = result([0.9, 0.8, 0.1, 0.4999, 0.0], [100, 50, 0, 0, 0], -10)
    other = result([0.9, 0.2, 0.7, 0.5001, 0.0], [90, 0, 30, 0, 0], -13)
    changes = other.compare(reference, margin=0.001)
    # The second pixel is lost, the third and the fourth are won, the fourth on the edge.
    assert (changes["pixels"], changes["clear"]) == (3, 2)
    assert changes["of_pixels"] == pytest.approx(60)
    assert changes["of_rois"] == pytest.approx(75)
    assert changes["charge"] == pytest.approx(100 * (10 + 50 + 30) / 150)
    assert changes["total"] == pytest.approx(100 * (120 - 150) / 150)
    assert (changes["bias"], changes["inefficiency"]) == (-3, 0)
    assert other.compare(reference, margin=0)["clear"] == 3


def test_nothing_found_and_nothing_changed() -> None:
    nothing = result([0.0, 0.1], [0, 0], math.nan)
    changes = nothing.compare(nothing, margin=0)
    assert (changes["pixels"], changes["of_rois"], changes["charge"]) == (0, 0, 0)
    found = result([0.9, 0.1], [10, 0], 0)
    changes = found.compare(nothing, margin=0)
    assert changes["of_rois"] == 100
    assert math.isnan(changes["charge"])
    assert math.isnan(changes["bias"])
