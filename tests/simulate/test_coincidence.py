"""Multi-plane coincidence against wires worked out by hand, and against loops."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roilab.detectors.detector import Detector, WirePlane, crossing_points
from roilab.simulate.chain import Simulation
from roilab.simulate.coincidence import Coincidence
from roilab.simulate.intervals import Intervals
from roilab.simulate.roi import CandidateRois

U, V, W = range(3)
find_coincidence = Coincidence(slice_ticks=10, strong=1000.0, weak=500.0, reach=1)


def make_detector(model: Detector, wires: int, channels: int, w_channels: int) -> Detector:
    """Make planes with wire numbers u = (z + y) / 2, v = (z - y) / 2 and w = z = u + v [mm]."""

    def plane(angle: float, pitch: float, channels: int) -> WirePlane:
        return WirePlane(pitch, angle, wires, channels, first_wire_mm=0.0)

    u, v = plane(45, np.sqrt(2), channels), plane(-45, np.sqrt(2), channels)
    # The plane is so low that only crossings at y = 0 lie in front of it.
    return replace(
        model, u=u, v=v, w=plane(0, 1, w_channels), nticks=40, bottom_mm=-0.1, height_mm=0.2
    )


def make_candidates(
    detector: Detector, rois: dict[int, list[tuple[int, int, int]]], peak: float = 2000.0
) -> dict[int, CandidateRois]:
    """Make candidates from (channel, first tick, last tick) of every plane."""
    candidates = {}
    for number, plane in enumerate(detector.planes):
        row, begin, end = np.array(rois.get(number, []), dtype=int).reshape(-1, 3).T
        shape = (plane.channels, detector.nticks)
        found, peaks = Intervals(row, begin, end, shape), np.full(len(row), peak)
        silent = np.zeros(plane.channels, dtype=np.float32)
        candidates[number] = CandidateRois(found, found, found, peaks, peaks, silent)
    return candidates


def rows_of(frame: Any) -> list[int]:
    """Return the channels that a frame marks."""
    return np.flatnonzero(frame.any(axis=1)).tolist()


def ticks_of(row: Any) -> list[int]:
    """Return the ticks that a channel of a frame marks."""
    return np.flatnonzero(row).tolist()


def test_wires_near_a_crossing_are_marked(noisy: Simulation) -> None:
    detector = make_detector(noisy.detector, wires=8, channels=8, w_channels=8)
    rois = make_candidates(detector, {U: [(2, 13, 18)], V: [(4, 3, 8)], W: [(6, 13, 28)]})
    mp2, mp3 = find_coincidence(rois, detector, [V])[V]
    # U and W cross at v = 6 - 2 = 4, above the plane (y = -2); U ends within slice 1.
    assert rows_of(mp2) == [3, 4, 5]
    assert ticks_of(mp2[4]) == list(range(10, 21))  # both ends included
    assert mp2.dtype == np.bool_
    assert rows_of(mp3) == []  # the ROI of V lies in slice 0


def test_lower_edges_of_wires_cross(noisy: Simulation) -> None:
    detector = make_detector(noisy.detector, wires=8, channels=8, w_channels=8)
    rois = make_candidates(detector, {U: [(2, 0, 5)], V: [(3, 0, 5)], W: [(3, 0, 5)]})
    mp2, mp3 = find_coincidence(rois, detector, [W])[W]
    # Edges 1.5 and 2.5 cross at w = 4, not at 5.
    assert rows_of(mp2) == [3, 4, 5]
    assert rows_of(mp3) == [3]
    # Wires that are numbered against z cross at the same place.
    plane = replace(detector.w, pitch_angle_deg=180.0, first_wire_mm=-7.0)
    turned = replace(detector, w=plane)  # wire 7 - w
    rois = make_candidates(turned, {U: [(2, 0, 5)], V: [(3, 0, 5)]})
    assert rows_of(find_coincidence(rois, turned, [W])[W][0]) == [2, 3, 4]


def test_crossing_beyond_the_wires_marks_those_within_reach(noisy: Simulation) -> None:
    detector = make_detector(noisy.detector, wires=8, channels=8, w_channels=8)
    for u, w, expected in ((7, 5, []), (7, 6, [0]), (0, 0, [0, 1]), (0, 7, [6, 7])):  # v = w - u
        rois = make_candidates(detector, {U: [(u, 0, 5)], W: [(w, 0, 5)]})
        assert rows_of(find_coincidence(rois, detector, [V])[V][0]) == expected
    rois = make_candidates(detector, {U: [(4, 0, 5)], V: [(5, 0, 5)]})  # edges cross at w = 8
    assert rows_of(find_coincidence(rois, detector, [W])[W][0]) == [7]


def test_three_planes_agree_in_one_slice_between_two_of_the_same_roi(noisy: Simulation) -> None:
    detector = make_detector(noisy.detector, wires=8, channels=8, w_channels=8)
    others = {U: [(2, 2, 6), (2, 22, 26)], W: [(6, 0, 39)]}
    mp2, mp3 = find_coincidence(
        make_candidates(detector, {**others, V: [(4, 0, 29)]}), detector, [V]
    )[V]
    assert ticks_of(mp2[4]) == [*range(11), *range(20, 31)]
    assert ticks_of(mp3[4]) == list(range(31))
    assert rows_of(mp3) == [4]
    # Two ROIs are not joined.
    two = make_candidates(detector, {**others, V: [(4, 0, 8), (4, 21, 29)]})
    assert ticks_of(find_coincidence(two, detector, [V])[V][1][4]) == ticks_of(mp2[4])
    # Nor is a gap of two slices.
    others[U] = [(2, 2, 6), (2, 32, 36)]
    wide = make_candidates(detector, {**others, V: [(4, 0, 39)]})
    assert ticks_of(find_coincidence(wide, detector, [V])[V][1][4]) == [*range(11), *range(30, 40)]


def test_wrapped_wires_cross_on_the_other_face(noisy: Simulation) -> None:
    # Six wires of U and V on a face: channels 0, 1, 2, 3, 0, 1. On the other face wires 0 to 5 have
    # channels 2, 3, 0, 1, 2, 3, and W has channels 6 to 11.
    detector = make_detector(noisy.detector, wires=6, channels=4, w_channels=12)
    rois = make_candidates(detector, {U: [(2, 0, 5)], W: [(7, 0, 5)], V: [(3, 0, 5)]})
    mp2, mp3 = find_coincidence(rois, detector, [V])[V]
    # Wire 1 of W crosses wire 0 of U at v = 1 and wire 4 at v = -3: wires 0, 1, 2 of V.
    assert rows_of(mp2) == [0, 2, 3]
    assert rows_of(mp3) == [3]
    # On the face with charge wire 1 of W crosses wire 2 of U at v = -1: wire 0 of V.
    rois = make_candidates(detector, {U: [(2, 0, 5)], W: [(1, 0, 5)]})
    assert rows_of(find_coincidence(rois, detector, [V])[V][0]) == [0]


def test_weak_rois_mark_only_their_own_plane(noisy: Simulation) -> None:
    detector = make_detector(noisy.detector, wires=8, channels=8, w_channels=8)
    rois = make_candidates(detector, {U: [(2, 0, 5)], V: [(4, 0, 5)], W: [(6, 0, 5)]})
    weak = make_candidates(detector, {U: [(2, 0, 5)], V: [(4, 0, 5)], W: [(6, 0, 5)]}, peak=600.0)
    assert rows_of(find_coincidence({**rois, V: weak[V]}, detector, [V])[V][1]) == [4]
    assert rows_of(find_coincidence({**rois, U: weak[U]}, detector, [V])[V][0]) == []


def random_candidates(detector: Detector, seed: int) -> dict[int, CandidateRois]:
    """Draw ROIs of every plane; those before the clean-up differ from those after."""
    random, found = np.random.default_rng(seed), {}
    for number, plane in enumerate(detector.planes):
        shape, sets = (plane.channels, detector.nticks), []
        for _ in range(2):
            # At most one ROI on a channel in the time of interest.
            row = np.sort(random.choice(plane.channels, size=60, replace=False))
            begin = random.integers(0, 150, size=60)
            rois = Intervals(row, begin, begin + random.integers(1, 50, size=60), shape)
            sets.append((rois, random.choice([600.0, 1500.0], size=60)))
        (loose, loose_peak), (rois, peak) = sets
        silent = np.zeros(plane.channels, dtype=np.float32)
        found[number] = CandidateRois(rois, loose, rois, loose_peak, peak, silent)
    return found


def slow_coincidence(
    rois: dict[int, CandidateRois], detector: Detector, target: int
) -> tuple[Any, Any]:
    """Return mp2 and mp3 as (channel, slice) by loops over slices and wires of one face."""

    def wires(intervals: Intervals, keep: Any, slice_: int) -> list[int]:
        inside = (intervals.begin // 10 <= slice_) & (intervals.end // 10 >= slice_) & keep
        return sorted(set(intervals.row[inside].tolist()))

    def edge(plane: WirePlane, wire: int) -> Any:
        return np.array([wire - 0.5 * np.sign(plane.direction[1])])

    plane, one, two = detector.planes[target], *(p for p in range(3) if p != target)
    mp2 = np.zeros((plane.channels, detector.nticks // 10), dtype=bool)
    mp3 = mp2.copy()
    for slice_ in range(21):
        lines = []
        for other in (one, two):
            part = rois[other]
            # The toolkit has not cleaned up the ROIs of a later plane yet.
            if other > target:
                lines.append(wires(part.loose, part.loose_peak > 1000, slice_))
            else:
                lines.append(wires(part.all, part.peak > 1000, slice_))
        own = wires(rois[target].all, rois[target].peak > 500, slice_)
        for first in lines[0]:
            for second in lines[1]:
                planes = detector.planes[one], detector.planes[two]
                at = edge(planes[0], first), edge(planes[1], second)
                number = plane.wire_number(*crossing_points(planes[0], at[0], planes[1], at[1]))[0]
                # The strip of a wire, numbered up in z, holds its lower edge.
                upwards = plane.direction[1] > 0
                wire = int(np.floor(number + 0.5) if upwards else np.ceil(number - 0.5))
                for near in range(max(wire - 1, 0), min(wire + 2, plane.wires)):
                    mp2[near, slice_] = True
                    mp3[near, slice_] |= near in own
    for row, begin, end in zip(
        rois[target].all.row, rois[target].all.begin // 10, rois[target].all.end // 10, strict=True
    ):
        for slice_ in range(begin + 1, end):
            mp3[row, slice_] |= mp3[row, slice_ - 1] & mp3[row, slice_ + 1]
    return mp2, mp3


@pytest.mark.parametrize("target", [U, V, W])
def test_coincidence_agrees_with_loops(noisy: Simulation, target: int) -> None:
    detector = noisy.detector
    rois = random_candidates(detector, seed=target)
    masks = find_coincidence(rois, detector, [target])
    assert list(masks) == [target]
    for frame, expected in zip(
        masks[target], slow_coincidence(rois, detector, target), strict=True
    ):
        assert expected.any()
        # The first tick of a slice may belong to the slice before.
        np.testing.assert_array_equal(frame[:, 5::10] > 0, expected)
