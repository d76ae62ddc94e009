"""The file of an event image."""

from pathlib import Path

import numpy as np
import pytest

from roilab.event_image import EventImage, is_mask, read_event_image


def test_file_keeps_charge_masks_and_probability(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    charge = (3000 * rng.normal(size=(3, 5, 7))).astype(np.float32)
    charge[0, 0, 0] = 1e6
    probability = rng.random((5, 7), dtype=np.float32)
    probability[0, :2] = 0.1500001, 0.1499999  # on both sides of a threshold, within one step
    image = EventImage(
        charge[:2], ["a", "b"], charge[2], charge[2] > 100, probability, 0.15, (30, 35), (6, 48)
    )
    image.save(tmp_path / "event.npz")
    again = read_event_image(tmp_path / "event.npz")
    assert again.names == ["a", "b"]
    assert (again.mask_thresh, again.channels, again.ticks) == (0.15, (30, 35), (6, 48))
    assert again.extent == (6, 48, 29.5, 34.5)
    np.testing.assert_array_equal(again.layers, np.rint(np.clip(charge[:2], -32767, 32767)))
    np.testing.assert_array_equal(again.truth, np.rint(charge[2]))
    np.testing.assert_array_equal(again.truth_mask, charge[2] > 100)
    np.testing.assert_allclose(again.probability, probability, atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(again.probability > 0.15, probability > 0.15)


def test_rows_of_stacked_planes(tmp_path: Path) -> None:
    zeros = np.zeros((2, 3), np.float32)
    EventImage(zeros[None], ["a"], zeros, zeros > 0, zeros, 0.5, None, (0, 3)).save(
        tmp_path / "e.npz"
    )
    assert read_event_image(tmp_path / "e.npz").rows == (0, 2)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_damaged_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"e\.npz|pickle"):
        read_event_image(tmp_path / "e.npz")


def test_masks_are_known_by_their_values() -> None:
    mask = np.zeros((10, 20), np.float32)
    mask[2, 3:9] = 4000 * np.arange(6) / 10
    assert is_mask(mask)
    assert not is_mask(-mask)
    assert not is_mask(np.random.default_rng(0).random((10, 20), dtype=np.float32))
