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
    # By hand: 16 significant bits, of a fraction in [0.5, 1) and an exponent.
    fraction, exponent = np.frexp(image[0].astype(np.float64))
    expected = np.ldexp(np.rint(fraction * 2**16) / 2**16, exponent)
    np.testing.assert_array_equal(rounded[0], expected)


def test_an_event_of_800_x_600_takes_at_most_3_megabytes() -> None:
    image = round_layers(example(10, 800, 600))
    assert len(encode_image(image)) < 3e6 < image.nbytes


def test_bytes_of_the_forms() -> None:
    noise, few, _, truth = round_layers(example(10, 800, 600))
    many = np.random.default_rng(1).integers(1, 200, noise.shape).astype(np.float32)
    dense = many % 10
    sizes = [len(encode_image(layer[None])) for layer in (noise, dense, many, few, truth)]
    sparse = [480_000 / 8 + 4 * np.count_nonzero(layer) for layer in (few, truth)]
    expected = [3 * 480_000, 480_000 / 2 + 8 * 256, 480_000 + 4 * 199, *sparse]
    np.testing.assert_allclose(sizes, expected, rtol=0, atol=250)


@given(arrays(np.float32, st.tuples(*(st.integers(1, n) for n in (3, 9, 40)))))
def test_any_image_after_rounding(image: Frame) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = round_layers(image.copy())
        np.testing.assert_array_equal(stored(rounded), rounded)
        np.testing.assert_array_equal(round_layers(rounded.copy()), rounded)
    assert not np.signbit(rounded[rounded == 0]).any()
