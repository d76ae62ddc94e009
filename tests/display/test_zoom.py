"""The region that displays show by default."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from roilab.display.settings import DisplaySettings
from roilab.display.zoom import find_region, zoom_to_signal
from roilab.types import Frame

LIMITS = ((1000, 1080), (200, 1400))  # 80 channels x 1200 ticks


def settings(**changed: Any) -> DisplaySettings:
    from hydra.utils import instantiate

    from roilab.notebook.compose import compose, plain

    config = compose("display", ["data=base", "data.dir=.", "detector=pdhd", "rec=."])
    small = {"zoom_margin": [2, 10], "zoom_part": 0.25, "zoom_window": [16, 100]}
    return instantiate({**plain(config.display), **small, **changed})


def image(*boxes: tuple[int, int, int, int, float]) -> Frame:
    """Return charge in boxes of (first row, end, first column, end, charge in each sample)."""
    frame = np.zeros((80, 1200), np.float32)
    for top, bottom, left, right, charge in boxes:
        frame[top:bottom, left:right] = charge
    return frame


def test_largest_cluster_with_margin() -> None:
    # By hand: 6 x 30 x 10 = 1800 e against 2 x 5 x 100 = 1000 e.
    frame = image((40, 46, 300, 330, 10), (5, 7, 1000, 1005, 100))
    assert find_region(frame, (2, 10), 0.25, (16, 100)) == ((38, 48), (290, 340))
    zoom = zoom_to_signal([("truth charge", frame)], LIMITS, settings())
    assert zoom is not None
    assert (zoom.channels, zoom.ticks) == ((1038, 1048), (490, 540))
    assert zoom.part == pytest.approx(1800 / 2800)
    assert zoom.sentence == "channels 1038 to 1047, ticks 490 to 539: 64 % of the truth charge"


def test_margin_ends_with_the_plane_and_a_short_gap_is_no_end() -> None:
    # Channels 4 and 5 are dead; both halves are one track.
    frame = image((0, 4, 0, 20, 10), (6, 10, 0, 20, 10))
    assert find_region(frame, (5, 30), 0.25, (16, 100)) == ((0, 15), (0, 50))


def test_large_cluster_gives_the_window_with_most_charge() -> None:
    track = [(row, row + 1, 15 * row, 15 * row + 20, 1) for row in range(80)]
    frame = image(*track, (60, 64, 900, 940, 50))
    (top, bottom), (left, right) = find_region(frame, (2, 10), 0.25, (16, 100))
    assert (bottom - top, right - left) == (16, 100)
    assert top <= 60
    assert bottom >= 64
    assert left <= 900
    assert right >= 940


@given(
    arrays(np.float32, (5, 9), elements=st.integers(0, 9).map(float)).filter(np.any),
    st.tuples(st.integers(1, 6), st.integers(1, 10)),
)
def test_no_window_has_more_charge(frame: Frame, window: tuple[int, int]) -> None:
    (top, bottom), (left, right) = find_region(frame, (0, 0), 0, window)
    high, wide = min(window[0], 5), min(window[1], 9)
    assert (bottom - top, right - left) == (high, wide)
    sums = [
        frame[r : r + high, c : c + wide].sum()
        for r in range(5 - high + 1)
        for c in range(9 - wide + 1)
    ]
    assert frame[top:bottom, left:right].sum() == max(sums)


def test_first_signal_that_is_not_zero() -> None:
    gauss = image((40, 46, 300, 330, 10))
    signals = [("truth charge", image()), ("charge of gauss", gauss)]
    zoom = zoom_to_signal(signals, LIMITS, settings())
    assert zoom is not None
    assert zoom.signal == "charge of gauss"
    assert zoom_to_signal([("truth charge", image())], LIMITS, settings()) is None


def test_axis_and_channel_of_the_user() -> None:
    frame = image((40, 46, 300, 330, 10), (5, 7, 1000, 1005, 100))
    # The channels given are kept; in them, the ticks of the cluster are found.
    zoom = zoom_to_signal([("c", frame)], LIMITS, settings(channels=[1000, 1080]))
    assert zoom is not None
    assert (zoom.channels, zoom.ticks) == (LIMITS[0], (490, 540))
    # Near channel 1010 is only the smaller cluster; the channel itself is shown too.
    zoom = zoom_to_signal([("c", frame)], LIMITS, settings(channel=1011))
    assert zoom is not None
    assert (zoom.channels, zoom.ticks) == ((1003, 1012), (1190, 1215))
