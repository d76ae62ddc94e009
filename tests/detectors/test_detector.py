"""Wire planes and detectors against numbers worked out by hand."""

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from roilab.detectors import Detector, DetectorError, WirePlane, crossing_points
from roilab.entry_point import config_dir


@pytest.fixture(scope="module")
def pdhd_detector() -> Detector:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("detector/pdhd").detector
    detector: Detector = instantiate(config)
    return detector


def plane(angle: float, wires: int = 10, channels: int = 10, first: float = 0.0) -> WirePlane:
    return WirePlane(5.0, angle, wires, channels, first)


def test_vertical_wires_count_along_z() -> None:
    assert plane(0.0, first=2.5).wire_number(123.0, 12.5) == pytest.approx(2.0)


def test_wires_at_thirty_degrees_count_along_their_normal() -> None:
    # The pitch direction is (y, z) = (1/2, sqrt(3)/2): 10 mm up is 5 mm along it, one wire.
    assert plane(30.0).wire_number(10.0, 0.0) == pytest.approx(1.0)


def test_wrapped_wires_share_a_channel() -> None:
    wires = np.arange(10, dtype=np.float32)[:, None] * np.ones((1, 2), dtype=np.float32)
    folded = plane(0.0, wires=10, channels=4).fold(wires)
    # Wires 0, 4, 8; 1, 5, 9; 2, 6; 3, 7.
    np.testing.assert_array_equal(folded[:, 0], [12, 15, 8, 10])


def test_angles_of_a_track_along_the_pitch_and_along_the_drift() -> None:
    u = plane(30.0)
    y, z = u.direction
    assert u.angles((0.0, y, z)) == pytest.approx((0.0, 90.0))
    assert u.angles((1.0, 0.0, 0.0)) == pytest.approx((90.0, 90.0))
    assert u.angles((1.0, y, z)) == pytest.approx((45.0, 90.0))


def test_crossing_lies_on_both_wires() -> None:
    u, w = plane(60.0, first=-20.0), plane(0.0, first=3.0)
    y, z = crossing_points(u, np.array([4.0]), w, np.array([7.0]))
    assert u.wire_number(y, z) == pytest.approx(4.0)
    assert w.wire_number(y, z) == pytest.approx(7.0)


def test_pdhd_wires_cover_the_frame(pdhd_detector: Detector) -> None:
    detector = pdhd_detector
    low, high = detector.corners
    corners = np.array([(y, z) for y in (low[1], high[1]) for z in (low[2], high[2])])
    for wire_plane in detector.planes:
        numbers = wire_plane.wire_number(corners[:, 0], corners[:, 1])
        assert numbers.min() == pytest.approx(-0.5, abs=1.5)
        assert numbers.max() == pytest.approx(wire_plane.wires - 0.5, abs=2.0)
    assert detector.first_channels == (2560, 3360, 4160)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nticks": 0}, "nticks is 0"),
        ({"lifetime_ms": -1.0}, "lifetime_ms"),
        ({"drift_sign": 0}, "expected 1 or -1"),
        ({"response_plane_mm": 5000.0}, "response plane"),
    ],
)
def test_impossible_detectors_are_refused(
    pdhd_detector: Detector, change: dict[str, float], words: str
) -> None:
    settings = {name: getattr(pdhd_detector, name) for name in Detector.__dataclass_fields__}
    with pytest.raises(DetectorError, match=words):
        Detector(**(settings | change))


@pytest.mark.parametrize("change", [{"wires": 0}, {"channels": -3}, {"pitch": 0.0}])
def test_impossible_planes_are_refused(change: dict[str, float]) -> None:
    settings = {"pitch": 5.0, "wires": 10, "channels": 10} | change
    with pytest.raises(DetectorError, match="expected"):
        WirePlane(settings["pitch"], 0.0, int(settings["wires"]), int(settings["channels"]), 0.0)


def test_unknown_plane_is_refused(pdhd_detector: Detector) -> None:
    with pytest.raises(DetectorError, match="expected u, v or w"):
        pdhd_detector.plane("x")
