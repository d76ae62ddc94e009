"""Random changes of training images: each operation, and that they repeat."""

from typing import Any

import numpy as np
import pytest
import torch

from roilab.data.augment import AugmentSpec, augment
from roilab.data.dataset import TrainingItem

LAYERS = ("loose_lf", "mp2_roi", "mp3_roi")


def spec(**changes: Any) -> AugmentSpec:
    off = {"flip": 0.0, "gain": (1.0, 1.0), "dead_channels": 0.0, "shift": 0, "noise": 0.0}
    lists = {"not_charge": ("mp2_roi", "mp3_roi"), "from_other_planes": ("mp2_roi",)}
    return AugmentSpec(**{**off, **lists, **changes})  # type: ignore[arg-type]


@pytest.fixture
def item() -> TrainingItem:
    random = torch.Generator().manual_seed(0)
    image = 1 + torch.rand(3, 40, 30, generator=random)
    mask = (torch.rand(1, 40, 30, generator=random) > 0.5).float()
    return TrainingItem(image=image, truth_mask=mask, name="an image")


def changed(item: TrainingItem, seed: int = 0, **changes: Any) -> TrainingItem:
    result = augment(item, LAYERS, spec(**changes), np.random.default_rng(seed))
    assert result["name"] == item["name"]
    return result


def equal(one: TrainingItem, two: TrainingItem) -> bool:
    return all(torch.equal(one[name], two[name]) for name in ("image", "truth_mask"))  # type: ignore[literal-required]


def test_nothing_is_changed_by_default(item: TrainingItem) -> None:
    assert not spec().changes
    assert equal(changed(item), item)


def test_flip_reverses_the_channels_of_layers_and_mask(item: TrainingItem) -> None:
    result = changed(item, flip=1.0)
    for name in ("image", "truth_mask"):
        original = item[name].numpy()  # type: ignore[literal-required]
        np.testing.assert_array_equal(result[name].numpy(), original[:, ::-1])  # type: ignore[literal-required]
    assert spec(flip=1.0).changes


def test_flip_has_its_probability(item: TrainingItem) -> None:
    flips = [not equal(changed(item, seed, flip=0.25), item) for seed in range(400)]
    assert np.mean(flips) == pytest.approx(0.25, abs=0.06)


def test_gain_changes_charge_but_not_masks(item: TrainingItem) -> None:
    factors = []
    for seed in range(50):
        result = changed(item, seed, gain=(0.9, 1.1))
        factor = float(result["image"][0, 0, 0] / item["image"][0, 0, 0])
        torch.testing.assert_close(result["image"][0], factor * item["image"][0])
        assert torch.equal(result["image"][1:], item["image"][1:])
        assert torch.equal(result["truth_mask"], item["truth_mask"])
        factors.append(factor)
    assert 0.9 <= min(factors) < 0.93
    assert 1.07 < max(factors) <= 1.1


def test_dead_channels_lose_what_their_plane_sees(item: TrainingItem) -> None:
    numbers = []
    for seed in range(60):
        result = changed(item, seed, dead_channels=0.5)
        dead = ~result["image"][0].any(1)
        numbers.append(int(dead.sum()))
        assert not result["image"][2, dead].any()
        assert torch.equal(result["image"][:, ~dead], item["image"][:, ~dead])
        assert torch.equal(result["image"][1], item["image"][1])
        assert torch.equal(result["truth_mask"], item["truth_mask"])
    # A fraction uniform from 0 to 0.5 of 40 channels.
    assert np.mean(numbers) == pytest.approx(10, abs=2.5)
    assert min(numbers) < 3
    assert max(numbers) > 16


def test_shift_moves_layers_and_mask_in_time(item: TrainingItem) -> None:
    found = set()
    for seed in range(40):
        result = changed(item, seed, shift=2)
        for shift in range(-2, 3):
            expected = {}
            for name in ("image", "truth_mask"):
                padded = np.pad(item[name].numpy(), ((0, 0), (0, 0), (2, 2)))  # type: ignore[literal-required]
                expected[name] = torch.from_numpy(padded[..., 2 - shift : 32 - shift])
            if equal(result, expected):  # type: ignore[arg-type]
                found.add(shift)
                break
        else:
            pytest.fail("not a shift by -2 to 2 slices")
    assert found == {-2, -1, 0, 1, 2}


def test_noise_has_the_width_of_that_outside_the_mask() -> None:
    random = torch.Generator().manual_seed(0)
    image = torch.randn(3, 200, 100, generator=random)
    mask = torch.zeros(1, 200, 100)
    image[0, 50:60], mask[0, 50:60] = 1000.0, 1.0
    item = TrainingItem(image=image, truth_mask=mask, name="an image")
    factors = []
    for seed in range(40):
        result = changed(item, seed, noise=2.0)
        assert torch.equal(result["image"][1:], image[1:])
        assert torch.equal(result["truth_mask"], mask)
        added = result["image"][0] - image[0]
        silent = (added.abs() < 1e-9).all(1)
        assert int(silent.sum()) == 10, "the signal is not added a second time"
        factor = float(added[~silent].std())
        assert abs(float((added * image[0])[:50].mean())) < 0.05 * max(factor, 0.1)
        factors.append(factor)
    assert np.mean(factors) == pytest.approx(1, abs=0.2)
    assert spec(noise=2.0).changes
    assert max(factors) < 2.05


def test_the_item_itself_is_not_changed(item: TrainingItem) -> None:
    before = item["image"].clone()
    changed(item, flip=1.0, gain=(2.0, 2.0), dead_channels=1.0, shift=3, noise=1.0)
    assert torch.equal(item["image"], before)


@pytest.mark.parametrize("part", ["flip", "gain", "dead_channels", "shift", "noise"])
def test_changes_do_not_depend_on_each_other(item: TrainingItem, part: str) -> None:
    """Switching one on leaves the random numbers of the others."""
    every = {"flip": 0.5, "gain": (0.5, 2.0), "dead_channels": 0.3, "shift": 3}
    every["noise"] = 0.5
    order = [name for name in ("noise", "gain", "dead_channels", "flip", "shift") if name != part]
    for seed in range(5):
        step = item
        for name in order:
            step = changed(step, seed, **{name: every[name]})
        rest = {name: value for name, value in every.items() if name != part}
        assert equal(changed(item, seed, **rest), step)
