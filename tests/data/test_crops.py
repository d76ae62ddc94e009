"""Crops of training images: where they lie, that they repeat, and what a training gets."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from roilab.data.crops import CropChooser, CropSpec, fewest_true, long_runs

MASK = np.zeros((12, 20), np.bool_)
MASK[3, 2] = MASK[3, 4:6] = True  # short
MASK[8, 10:18] = True  # long
MASKS = st_numpy.arrays(np.bool_, st.tuples(st.integers(4, 9), st.integers(5, 9)))
RANDOM = np.random.default_rng


def spec(**changes: float) -> CropSpec:
    given: dict[str, float] = {
        "per_image": 40, "channels": 4, "slices": 5,
        "signal": 0, "prolonged": 0, "empty": 0, "prolonged_slices": 6,
    }  # fmt: skip
    return CropSpec(**{**given, **changes})  # type: ignore[arg-type]


def parts(mask: np.ndarray, chosen: CropSpec, seed: int = 0) -> list[np.ndarray]:
    corners = CropChooser(mask, chosen).choose(RANDOM(seed))
    return [mask[c : c + chosen.channels, s : s + chosen.slices] for c, s in corners]


def test_crops_around_signal_contain_it() -> None:
    crops = parts(MASK, spec(signal=1))
    assert len(crops) == 40
    assert all(crop.shape == (4, 5) and crop.any() for crop in crops)


def test_crops_around_prolonged_signal_contain_the_long_run() -> None:
    corners = CropChooser(MASK, spec(prolonged=1)).choose(RANDOM(1))
    assert all(5 <= channel <= 8 and 6 <= first <= 15 for channel, first in corners)
    assert len(set(corners)) > 10


def test_empty_crops_are_empty() -> None:
    assert not any(crop.any() for crop in parts(MASK, spec(empty=1)))


@pytest.mark.parametrize("kind", ["signal", "prolonged", "empty"])
def test_images_without_such_pixels(kind: str) -> None:
    assert len(parts(np.zeros((4, 5), np.bool_), spec(**{kind: 1}))) == 40


def test_fractions_of_the_kinds() -> None:
    """Signal fills the left half, so of the crops that lie anywhere about half contain some."""
    mask = np.zeros((40, 400), np.bool_)
    mask[:, :200] = True
    many = spec(per_image=4000, channels=1, slices=1, signal=0.4, empty=0.3)
    signal = sum(crop.any() for crop in parts(mask, many)) / 4000
    assert signal == pytest.approx(0.4 + 0.3 / 2, abs=0.04)


def test_crops_anywhere_reach_every_corner() -> None:
    corners = CropChooser(MASK, spec(per_image=4000)).choose(RANDOM(2))
    assert Counter(corners).keys() == {(c, s) for c in range(9) for s in range(16)}


@given(MASKS, st.integers(1, 5))
def test_long_runs_by_a_loop(mask: np.ndarray, slices: int) -> None:
    expected = np.zeros_like(mask)
    for channel, row in enumerate(mask):
        for begin in range(len(row)):
            for end in range(begin + slices, len(row) + 1):
                expected[channel, begin:end] |= row[begin:end].all()
    np.testing.assert_array_equal(long_runs(mask, slices), expected)


@given(MASKS)
def test_fewest_true_by_a_loop(mask: np.ndarray) -> None:
    chosen = spec(channels=2, slices=3)
    counts = np.array([
        [mask[c : c + 2, s : s + 3].sum() for s in range(mask.shape[1] - 2)]
        for c in range(mask.shape[0] - 1)
    ])  # fmt: skip
    np.testing.assert_array_equal(fewest_true(mask, chosen), counts == counts.min())
