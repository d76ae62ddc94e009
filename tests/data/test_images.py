"""Rebin, truth mask and padding against numbers worked out by hand and slow loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from roilab.data import RebinError, crop, pad_mask, rebin_mean, scale_charge, truth_mask
from roilab.data.images import PadUnit
from roilab.wirecell import NodeSettings, downsample

masks = npst.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 25)))


def test_rebin_by_hand() -> None:
    image = np.array([[1, 3, 5, 7, 0, 2], [0, 0, 0, 30, -3, 3]], dtype=np.float32)
    np.testing.assert_array_equal(rebin_mean(image, 2), [[2, 6, 1], [0, 15, 0]])
    np.testing.assert_array_equal(rebin_mean(image, 3), [[3, 3], [0, 10]])
    np.testing.assert_array_equal(rebin_mean(image, 6), [[3], [5]])
    np.testing.assert_array_equal(rebin_mean(image, 3, channels=2), [[1.5, 6.5]])
    assert rebin_mean(image, 1) is image


@pytest.mark.parametrize("rebin", [2, 5, 60])
def test_rebin_of_tensors_and_stacks(rebin: int) -> None:
    image = np.random.default_rng(0).random((2, 3, 60), np.float32)
    tensor = rebin_mean(torch.from_numpy(image), rebin)
    np.testing.assert_allclose(tensor.numpy(), rebin_mean(image, rebin), rtol=1e-6)
    expected = [image[..., i : i + rebin].mean(-1) for i in range(0, 60, rebin)]
    np.testing.assert_allclose(tensor.numpy(), np.stack(expected, -1), rtol=1e-6)


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy])
def test_ticks_that_the_last_slice_lacks_count_as_zero(convert: Callable[..., Any]) -> None:
    image = convert(np.array([[1, 2, 3, 4, 5]], np.float32))
    np.testing.assert_array_equal(rebin_mean(image, 2), [[1.5, 3.5, 2.5]])
    # So does the node.
    node = NodeSettings(
        tick_per_slice=2,
        tick_pad_multiple=0,
        nchunks=1,
        input_scale=1.0,
        input_offset=0.0,
        mask_thresh=0.5,
        output_scale=1.0,
        output_offset=0.0,
        save_negative_charge=False,
    )
    np.testing.assert_array_equal(rebin_mean(image, 2), downsample(np.asarray(image), node))


def test_rebins_that_do_not_fit() -> None:
    with pytest.raises(RebinError, match=r"data\.rebin=21 is not from 1 to 20, the number of"):
        rebin_mean(np.zeros((2, 20), np.float32), 21)
    with pytest.raises(RebinError, match=r"data\.channel_rebin=4 .* 6 channels"):
        rebin_mean(np.zeros((6, 20), np.float32), 2, channels=4)


def test_inclusive_end_of_coincidence_runs() -> None:
    # A run of 10 n + 1 ticks of 4000 e gives 0.1 in the slice after it, after scaling.
    roi = np.zeros((1, 40), np.float32)
    roi[0, 10:21] = 4000
    scaled = scale_charge(rebin_mean(roi, 10), 1 / 4000)
    np.testing.assert_allclose(scaled, [[0, 1, 0.1, 0]], rtol=1e-6)


def test_threshold_is_strict() -> None:
    charge = np.array([[99.5, 100.0, 100.5, 0]], dtype=np.float32)
    assert truth_mask(charge, 100).tolist() == [[False, False, True, False]]
    assert truth_mask(torch.from_numpy(charge), 99.5).tolist() == [[False, True, True, False]]


def test_crop() -> None:
    image = np.arange(24).reshape(1, 4, 6).astype(np.float32)
    np.testing.assert_array_equal(crop(image, (1, 3), (2, 5)), image[:, 1:3, 2:5])


def test_padding_by_hand() -> None:
    mask = np.array([[0, 0, 1, 0, 0, 0, 0, 1]], dtype=bool)
    assert pad_mask(mask, 1).astype(int).tolist() == [[0, 1, 1, 1, 0, 0, 1, 1]]
    assert pad_mask(mask, 2).astype(int).tolist() == [[1, 1, 1, 1, 1, 1, 1, 1]]
    # 3 ticks of 10 a slice reach into the next slice; 11 reach two.
    assert pad_mask(mask, 3, "ticks", 10).astype(int).tolist() == [[0, 1, 1, 1, 0, 0, 1, 1]]
    assert pad_mask(mask, 11, "ticks", 10).all()


@given(masks, st.integers(0, 30), st.sampled_from(["bins", "ticks"]), st.integers(1, 5))
def test_padding_against_the_definition(
    mask: np.ndarray, pad: int, unit: PadUnit, rebin: int
) -> None:
    repeat = rebin if unit == "ticks" else 1
    fine = mask.repeat(repeat, axis=1)
    padded = np.zeros_like(fine)
    for channel, tick in np.argwhere(fine):
        padded[channel, max(0, tick - pad) : tick + pad + 1] = True
    expected = padded.reshape(*mask.shape, repeat).any(-1)
    before = mask.copy()
    np.testing.assert_array_equal(pad_mask(mask, pad, unit, rebin), expected)
    np.testing.assert_array_equal(pad_mask(torch.from_numpy(mask), pad, unit, rebin), expected)
    np.testing.assert_array_equal(mask, before)


@given(masks, st.integers(0, 4), st.integers(0, 4))
def test_padding_twice_is_padding_by_the_sum(mask: np.ndarray, a: int, b: int) -> None:
    np.testing.assert_array_equal(pad_mask(pad_mask(mask, a), b), pad_mask(mask, a + b))
