"""Intervals against closed forms, and against sums of binomial probabilities."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roilab.metrics import clopper_pearson


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
