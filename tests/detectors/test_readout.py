"""Where planes lie in frames, from a data config."""

from typing import Any

import pytest

from roilab.detectors import DetectorError, Readout

DETECTOR = {"u": {"channels": 4}, "v": {"channels": 5}, "w": {"channels": 6}, "nticks": 100}
DATA: dict[str, Any] = {
    "detector": DETECTOR,
    "planes": ["V"],
    "channel_range": None,
    "tick_range": None,
    "first_channel": None,
    "truth": ["deposplat"],
}


def test_planes_follow_each_other() -> None:
    readout = Readout.from_config(DATA)
    assert readout.ranges == {"U": (0, 4), "V": (4, 9), "W": (9, 15)}
    assert (readout.channels_per_apa, readout.tick_range) == (15, (0, 100))
    assert (readout.first_channel, readout.truth) == (None, ("deposplat",))


def test_ranges_of_the_data_config_go_before() -> None:
    changes = {"channel_range": [5, 7], "tick_range": [10, 20], "first_channel": 3}
    readout = Readout.from_config({**DATA, **changes})
    assert readout.ranges == {"U": (0, 4), "V": (5, 7), "W": (9, 15)}
    assert (readout.channels_per_apa, readout.first_channel) == (15, 3)
    assert readout.tick_range == (10, 20)


@pytest.mark.parametrize(
    ("detector", "words"),
    [
        (None, "such as detector=pdhd"),
        ({**DETECTOR, "w": {}}, "'channels'.*expected u.channels, v.channels, w.channels"),
        ({**DETECTOR, "nticks": "many"}, "many.*integers"),
        ({**DETECTOR, "nticks": 0}, "0 ticks; expected at least 1"),
    ],
)
def test_incomplete_detectors_are_refused(detector: Any, words: str) -> None:
    with pytest.raises(DetectorError, match=words):
        Readout.from_config({**DATA, "detector": detector})
