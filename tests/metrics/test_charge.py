"""Charge metrics with numbers worked out on paper."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torchmetrics import MetricCollection

from roilab.metrics import ChargeProfile, charge_metrics

# Ratios 0.5, 1.5 and 1; one bad channel; one below 5000 e, one exactly there.
TRUTH = torch.tensor([10000.0, 10000, 20000, 4000, 8000, 5000])
RECO = torch.tensor([5000.0, 15000, 20000, 9999, 0, 0])


def metrics(**changed: Any) -> MetricCollection:
    settings = {"min_truth": 5000, "max_bad": 0, "replicas": 200, "block_channels": 2, "seed": 1}
    return charge_metrics(**{**settings, **changed})


def numbers(collection: MetricCollection) -> dict[str, list[float]]:
    return {name: value.tolist() for name, value in collection.compute().items()}


def test_by_hand() -> None:
    collection = metrics()
    collection.update(RECO, TRUTH, 0)
    values = numbers(collection)
    assert values["bias"][0] == pytest.approx(0)
    # The squares of -0.5, 0.5 and 0 have mean 1/6.
    assert values["resolution"][0] == pytest.approx(100 * math.sqrt(1 / 6))
    # One of four: the bounds p at which one or more, or one or fewer, have a chance of 15.865%.
    value, low, high = values["inefficiency"]
    assert value == pytest.approx(25)
    assert low == pytest.approx(100 * (1 - (1 - 0.15865) ** (1 / 4)))
    p = high / 100
    assert (1 - p) ** 4 + 4 * p * (1 - p) ** 3 == pytest.approx(0.15865)


def test_one_block_has_no_error() -> None:
    collection = metrics(block_channels=20)
    collection.update(RECO, TRUTH, 0)
    value, low, high = numbers(collection)["bias"]
    assert value == pytest.approx(0)
    assert math.isnan(low)
    assert math.isnan(high)
    collection.update(RECO, TRUTH, 1)
    assert numbers(collection)["bias"] == pytest.approx([0, 0, 0])  # two tracks with equal ratios


def test_limits_are_settings() -> None:
    collection = metrics(min_truth=0)
    collection.update(RECO, TRUTH, 0)
    assert numbers(collection)["inefficiency"][0] == pytest.approx(100 * 2 / 6)
    # A channel that kept a little negative charge is found, unless the limit says otherwise.
    reco = torch.tensor([-1.0, 10000])
    for limit, bad in ((0, 0), (1, 50)):
        collection = metrics(max_bad=limit)
        collection.update(reco, TRUTH[:2], 0)
        assert numbers(collection)["inefficiency"][0] == bad


def test_undefined_is_nan() -> None:
    collection, nothing = metrics(), torch.zeros(0)
    collection.update(nothing, nothing, 0)
    assert all(math.isnan(v) for three in numbers(collection).values() for v in three)
    collection.update(torch.zeros(3), torch.full((3,), 1e4), 0)
    values = numbers(collection)
    assert values["inefficiency"] == pytest.approx([100, 100 * 0.15865 ** (1 / 3), 100])
    assert all(math.isnan(v) for name in ("bias", "resolution") for v in values[name])
    collection.update(torch.tensor([8e3]), torch.tensor([1e4]), 1)
    values = numbers(collection)
    assert values["bias"][0] == pytest.approx(-20)
    assert math.isnan(values["resolution"][0])  # one channel has no width


def test_sums_do_not_depend_on_how_tracks_are_shared_out() -> None:
    rng = np.random.default_rng(0)
    tracks = [torch.from_numpy(rng.uniform(0, 2e4, (2, 50))) for _ in range(6)]
    together, backwards = metrics(), metrics()
    for number, (reco, truth) in enumerate(tracks):
        together.update(reco, truth, number)
    for number, (reco, truth) in reversed(list(enumerate(tracks))):
        backwards.update(reco, truth, number)
    assert numbers(together) == {k: pytest.approx(v) for k, v in numbers(backwards).items()}


@pytest.mark.parametrize("n_tracks", [1, 40])
def test_bootstrap_gives_the_standard_error(n_tracks: int) -> None:
    """Every track (or block) has one ratio, so the mean's error is std / sqrt(number)."""
    rng = np.random.default_rng(3)
    ratios = rng.normal(1, 0.2, (n_tracks, 40 // n_tracks or 1))
    collection = metrics(replicas=2000)
    for number, track in enumerate(ratios):
        reco = torch.from_numpy(1e4 * track).repeat_interleave(2)
        collection.update(reco, torch.full_like(reco, 1e4), number)
    value, low, high = numbers(collection)["bias"]
    assert value == pytest.approx(100 * (ratios.mean() - 1))
    assert (low + high) / 2 == pytest.approx(value)
    assert high - value == pytest.approx(100 * ratios.std() / math.sqrt(40), rel=0.1)


def test_profile_by_hand() -> None:
    profile = ChargeProfile()
    profile.update(torch.tensor([0.0]), torch.tensor([0.0]))  # no truth: no shower
    assert profile.compute().isnan().all()
    profile.update(torch.tensor([1.0, 2]), torch.tensor([4.0, 2]))
    value, low, high = profile.compute()
    assert (float(value), math.isnan(low), math.isnan(high)) == (50, True, True)
    profile.update(torch.tensor([7.0]), torch.tensor([10.0]))
    # 0.5 and 0.7: mean 0.6, sample width sqrt(0.02), over sqrt(2).
    assert profile.compute().tolist() == pytest.approx([60, 50, 70])
