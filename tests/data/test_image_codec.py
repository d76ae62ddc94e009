"""Records of prepared images: nothing is lost but the rounding of the layers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from roilab.data.image_codec import decode_image, encode_image, round_layers
from roilab.types import Frame


def stored(image: Frame) -> Frame:
    return decode_image(np.frombuffer(bytearray(encode_image(image)), np.uint8))


def example(rebin: int, rows: int = 80, slices: int = 60) -> Frame:
    """Noise, two coincidence layers after a rebin, and sparse truth charge."""
    rng = np.random.default_rng(rebin)
    noise = rng.normal(0, 280, (rows, slices))
    counts = rng.binomial(rebin, 0.004, (2, rows, slices))
    coincidence = counts.astype(np.float32) * np.float32(4000) / np.float32(rebin)
    truth = np.where(rng.random((rows, slices)) < 0.05, rng.exponential(2000, (rows, slices)), 0)
    return np.stack([noise, *coincidence, truth]).astype(np.float32)


@pytest.mark.parametrize("rebin", [1, 4, 6, 10])
def test_keeps_a_rounded_image_bit_for_bit(rebin: int) -> None:
    image = round_layers(example(rebin))
    decoded = stored(image)
    assert decoded.dtype == np.float32
    assert decoded.flags.writeable
    assert decoded.tobytes() == image.tobytes()


@pytest.mark.parametrize("rebin", [1, 4, 6, 10])
def test_rounds_only_layers_of_many_values(rebin: int) -> None:
    image = example(rebin)
    rounded = round_layers(image.copy())
    np.testing.assert_array_equal(rounded[1:], image[1:])
    np.testing.assert_array_equal(rounded[0], image[0].astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(rounded[0], image[0], rtol=2**-11, atol=2**-24)


def test_charge_that_float16_cannot_hold_is_kept() -> None:
    image = example(10)
    image[0, 3, 5] = 1e5
    np.testing.assert_array_equal(round_layers(image.copy()), image)
    np.testing.assert_array_equal(stored(image), image)


def test_an_event_of_800_x_600_takes_at_most_3_megabytes() -> None:
    image = round_layers(example(10, 800, 600))
    assert len(encode_image(image)) < 3e6 < image.nbytes


def test_bytes_of_the_forms() -> None:
    image = round_layers(example(10, 800, 600))
    _, *present = np.count_nonzero(image, axis=(1, 2))
    sizes = [len(encode_image(layer[None])) for layer in image]
    bits = 480_000 / 8
    expected = [2 * 480_000, bits + present[0], bits + present[1], bits + 4 * present[2]]
    np.testing.assert_allclose(sizes, expected, rtol=0, atol=250)


@given(arrays(np.float32, st.tuples(*(st.integers(1, n) for n in (3, 9, 40)))))
def test_any_image_after_rounding(image: Frame) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = round_layers(image.copy())
        np.testing.assert_array_equal(stored(rounded), rounded)
        np.testing.assert_array_equal(round_layers(rounded.copy()), rounded)
    assert not np.signbit(rounded[rounded == 0]).any()
