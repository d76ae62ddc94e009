"""Charge windows with numbers worked out on paper, and against a loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from roilab.metrics import ChargeWindows, charge_windows


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
