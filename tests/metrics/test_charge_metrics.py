"""Charge metrics with numbers worked out on paper, and over two processes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from torchmetrics import MetricCollection

from roilab.metrics import (
    ChargeProfile,
    ChargeWindows,
    charge_metrics,
    charge_windows,
    clopper_pearson,
    shower_axis,
)
from two_processes import in_two_processes

# Ratios 0.5, 1.5 and 1; one bad channel; one below 5000 e, one exactly there.
TRUTH = torch.tensor([10000.0, 10000, 20000, 4000, 8000, 5000])
RECO = torch.tensor([5000.0, 15000, 20000, 9999, 0, 0])


def metrics(**changed: Any) -> MetricCollection:
    settings = {"min_truth": 5000, "max_bad": 0, "replicas": 200, "block_channels": 2, "seed": 1}
    return charge_metrics(**{**settings, **changed})


def numbers(collection: MetricCollection) -> dict[str, list[float]]:
    return {name: value.tolist() for name, value in collection.compute().items()}


def test_by_hand() -> None:
    judged = metrics()
    judged.update(RECO, TRUTH, 0)
    values = numbers(judged)
    assert values["bias"][0] == pytest.approx(0)
    # The squares of -0.5, 0.5 and 0 have mean 1/6.
    assert values["resolution"][0] == pytest.approx(100 * math.sqrt(1 / 6))
    # One of four: the bounds p at which one or more, or one or fewer, have a chance of 15.865%.
    value, low, high = values["inefficiency"]
    assert value == pytest.approx(25)
    assert low == pytest.approx(100 * (1 - (1 - 0.15865) ** (1 / 4)))
    p = high / 100
    assert (1 - p) ** 4 + 4 * p * (1 - p) ** 3 == pytest.approx(0.15865)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 100, 0, 1 - 0.15865**0.01),
        (100, 100, 0.15865**0.01, 1),
        (0, 1, 0, 1 - 0.15865),
        (1, 1, 0.15865, 1),
        (0, 0, math.nan, math.nan),
    ],
)
def test_clopper_pearson_at_the_ends(k: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(k, n) == pytest.approx((low, high), nan_ok=True)


@given(st.integers(1, 40), st.data())
def test_clopper_pearson_by_its_definition(n: int, data: st.DataObject) -> None:
    """At the bounds, the tails of the binomial distribution have a probability of 15.865%."""
    k = data.draw(st.integers(0, n))
    low, high = clopper_pearson(k, n)
    assert low <= k / n <= high

    def probability(counts: range, p: float) -> float:
        return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in counts)

    if k > 0:
        assert probability(range(k, n + 1), low) == pytest.approx(0.15865)
    if k < n:
        assert probability(range(k + 1), high) == pytest.approx(0.15865)


def test_one_block_has_no_error() -> None:
    judged = metrics(block_channels=20)
    judged.update(RECO, TRUTH, 0)
    value, low, high = numbers(judged)["bias"]
    assert value == pytest.approx(0)
    assert math.isnan(low)
    assert math.isnan(high)
    judged.update(RECO, TRUTH, 1)
    assert numbers(judged)["bias"] == pytest.approx([0, 0, 0])  # two tracks with equal ratios


def test_limits_are_settings() -> None:
    judged = metrics(min_truth=0)
    judged.update(RECO, TRUTH, 0)
    assert numbers(judged)["inefficiency"][0] == pytest.approx(100 * 2 / 6)
    # A channel that kept a little negative charge is found, unless the limit says otherwise.
    reco = torch.tensor([-1.0, 10000])
    for limit, bad in ((0, 0), (1, 50)):
        judged = metrics(max_bad=limit)
        judged.update(reco, TRUTH[:2], 0)
        assert numbers(judged)["inefficiency"][0] == bad


def test_undefined_is_nan() -> None:
    judged, nothing = metrics(), torch.zeros(0)
    judged.update(nothing, nothing, 0)
    assert all(math.isnan(v) for three in numbers(judged).values() for v in three)
    judged.update(torch.zeros(3), torch.full((3,), 1e4), 0)
    values = numbers(judged)
    assert values["inefficiency"] == pytest.approx([100, 100 * 0.15865 ** (1 / 3), 100])
    assert all(math.isnan(v) for name in ("bias", "resolution") for v in values[name])
    judged.update(torch.tensor([8e3]), torch.tensor([1e4]), 1)
    values = numbers(judged)
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
    judged = metrics(replicas=2000)
    for number, track in enumerate(ratios):
        reco = torch.from_numpy(1e4 * track).repeat_interleave(2)
        judged.update(reco, torch.full_like(reco, 1e4), number)
    value, low, high = numbers(judged)["bias"]
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


def test_windows_by_hand() -> None:
    truth = np.zeros((4, 10), np.float32)
    truth[0, 4:6] = 1
    truth[1, [0, 9]] = 1
    truth[2, 8] = 1
    windows = charge_windows(truth, "truth", 2)
    assert windows.first.tolist() == [2, 0, 6, 0]
    assert windows.end.tolist() == [8, 10, 10, 0]
    frame = np.tile(np.arange(10, dtype=np.float32), (4, 1))
    assert windows.charge(frame).tolist() == [2 + 3 + 4 + 5 + 6 + 7, 45, 6 + 7 + 8 + 9, 0]
    assert charge_windows(truth, "channel", 2).charge(frame).tolist() == [45] * 4


@given(npst.arrays(np.float32, (5, 12), elements=st.integers(-9, 9)), st.data())
def test_windowed_charge_against_a_loop(frame: np.ndarray, data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.lists(st.integers(0, 12), min_size=2, max_size=2).map(sorted),
                               min_size=5, max_size=5))  # fmt: skip
    first, end = np.array(pairs).T
    expected = [row[a:b].sum() for row, (a, b) in zip(frame, pairs, strict=True)]
    np.testing.assert_allclose(ChargeWindows(first, end).charge(frame), expected)


def test_shower_axis() -> None:
    rise_and_tail = np.array([2, 6, 9, 8, 7, 5, 4, 3, 2, 1.5, 1, 1]) * 1e4
    charge = np.zeros(40)
    charge[10:22] = rise_and_tail
    charge[5] = 4000  # below what makes a channel valid
    charge[30] = 2e4  # a photon that converted far ahead
    axis = shower_axis(charge, 5000)
    assert axis is not None
    assert (axis.vertex, axis.step) == (10, 1)
    assert axis.wires(40, 42) == slice(10, 40)
    assert axis.wires(40, 5) == slice(10, 15)
    mirrored = shower_axis(charge[::-1], 5000)
    assert mirrored is not None
    assert (mirrored.vertex, mirrored.step) == (29, -1)
    assert mirrored.wires(40, 42) == slice(0, 30)
    assert mirrored.wires(40, 5) == slice(25, 30)
    assert shower_axis(np.full(3, 10.0), 5000) is None


TRACKS = [(RECO, TRUTH), (RECO[:2], TRUTH[:2]), (RECO[1:3], TRUTH[1:3])]


def judged(numbers_of_tracks: range) -> dict[str, list[float]]:
    charge, profile = metrics(), ChargeProfile()
    for number in numbers_of_tracks:
        charge.update(*TRACKS[number], number)
        profile.update(*TRACKS[number])
    return numbers(charge) | {"profile": profile.compute().tolist()}


def _share(rank: int) -> dict[str, list[float]]:
    return judged(range(1) if rank == 0 else range(1, 3))


def test_two_processes_give_what_one_gives() -> None:
    expected = judged(range(3))
    for result in in_two_processes(_share):
        assert result == {name: pytest.approx(value) for name, value in expected.items()}
