from typing import Any

import numpy as np
import pytest

from roilab.detectors.detector import crossing_points
from roilab.simulate.chain import Simulation
from roilab.simulate.coincidence import Coincidence
from roilab.simulate.intervals import Intervals, fill_mask, find_connected, find_linked
from roilab.simulate.roi import CandidateRois, apply_rois, measure_peaks


def intervals(*parts: tuple[int, int, int], shape: tuple[int, int] = (4, 40)) -> Intervals:
    row, begin, end = (np.array(column) for column in zip(*parts, strict=True))
    return Intervals(row, begin, end, shape)


def test_intervals_of_a_mask_give_the_mask_back() -> None:
    mask = np.random.default_rng(1).random((6, 50)) < 0.4
    np.testing.assert_array_equal(Intervals.from_mask(mask).to_mask(), mask)


def test_overlapping_intervals_fill_a_mask_like_a_loop() -> None:
    random, shape = np.random.default_rng(6), (5, 30)
    for number in (0, 1, 12, 60):
        row, begin = random.integers(5, size=number), random.integers(22, size=number)
        end = begin + random.integers(0, 8, size=number)
        expected = np.zeros(shape, dtype=bool)
        for at in range(number):
            expected[row[at], begin[at] : end[at] + 1] = True
        np.testing.assert_array_equal(fill_mask(row, begin, end, shape), expected)


def test_first_and_last_tick_of_a_mask_in_intervals() -> None:
    random = np.random.default_rng(7)
    rois, mask = Intervals.from_mask(random.random((6, 50)) < 0.6), random.random((6, 50)) < 0.2
    first, last = rois.find_ends(mask)
    found = rois.contains_any(mask)
    assert 0 < found.sum() < len(rois)
    for at, (row, begin, end) in enumerate(zip(rois.row, rois.begin, rois.end, strict=True)):
        inside = begin + np.flatnonzero(mask[row, begin : end + 1])
        assert found[at] == (len(inside) > 0)
        if len(inside):
            assert (first[at], last[at]) == (inside[0], inside[-1])
        else:
            assert first[at] > end
            assert last[at] < begin


def test_pairs_of_neighbours_agree_with_a_double_loop() -> None:
    rois = Intervals.from_mask(np.random.default_rng(2).random((8, 60)) < 0.5)
    expected = {
        (i, j)
        for i in range(len(rois))
        for j in range(len(rois))
        if rois.row[j] == rois.row[i] + 1
        and rois.begin[j] <= rois.end[i]
        and rois.end[j] >= rois.begin[i]
    }
    assert set(zip(*(part.tolist() for part in rois.find_neighbours()), strict=True)) == expected


def test_connected_items_reach_further_than_linked_ones() -> None:
    pairs = (np.array([0, 1]), np.array([1, 2]))
    good = np.array([True, False, False, False])
    np.testing.assert_array_equal(find_connected(4, pairs, good), [True, True, True, False])
    np.testing.assert_array_equal(find_linked(pairs, good), [True, True, False, False])


def test_peak_is_above_the_line_between_the_ends() -> None:
    frame = np.zeros((1, 10), dtype=np.float32)
    frame[0, 2:7] = [10, 20, 50, 40, 50]
    # The line runs 10, 20, 30, 40, 50: the sample of 50 stands 20 above it.
    np.testing.assert_allclose(measure_peaks(intervals((0, 2, 6), shape=(1, 10)), frame), [20])


def test_charge_has_no_baseline_is_rounded_down_and_not_negative() -> None:
    frame = np.zeros((1, 10), dtype=np.float32)
    frame[0, 2:7] = [10, 20.9, 50.9, 20, 50]
    region = intervals((0, 2, 6), shape=(1, 10))
    np.testing.assert_allclose(apply_rois(region, frame, True)[0, 2:7], [0, 0, 20, 0, 0])
    np.testing.assert_allclose(apply_rois(region, frame, False)[0, 2:7], [10, 20, 50, 20, 50])


def test_coincidence_of_one_crossing(noisy: Simulation) -> None:
    detector = noisy.detector
    y, z, first, last = 500.0, 500.0, 103, 118
    rois, wires = [], []
    for plane in detector.planes:
        wire = round(float(plane.wire_number(y, z)))
        shape = (plane.channels, detector.nticks)
        single = intervals((wire, first, last), shape=shape)
        silent = np.zeros(plane.channels, dtype=np.float32)
        peak = np.array([2000.0])
        rois.append(CandidateRois(single, single, single, peak, peak, silent))
        wires.append(wire)
    masks = Coincidence(10, 1000.0, 500.0, 1)(dict(enumerate(rois)), detector)
    for (mp2, mp3), wire in zip(masks.values(), wires, strict=True):
        # Ticks 103 to 118 touch two slices: 2 * 10 + 1 ticks are marked.
        np.testing.assert_array_equal(np.flatnonzero(mp3[wire]), np.arange(100, 121))
        assert mp2.dtype == mp3.dtype == bool
        rows = np.flatnonzero(mp2.any(axis=1))
        assert len(rows) == 3
        assert abs(rows[1] - wire) <= 1
        np.testing.assert_array_equal(np.flatnonzero(mp3.any(axis=1)), [wire])


def random_candidates(detector: Any, seed: int) -> dict[int, CandidateRois]:
    """Draw ROIs of every plane; those before the clean-up differ from those after."""
    random, found = np.random.default_rng(seed), {}
    for number, plane in enumerate(detector.planes):
        shape, sets = (plane.channels, detector.nticks), []
        for _ in range(2):
            row = np.sort(random.integers(plane.channels, size=40))
            begin = random.integers(0, 150, size=40)
            rois = Intervals(row, begin, begin + random.integers(1, 30, size=40), shape)
            sets.append((rois, random.choice([600.0, 1500.0], size=40)))
        (loose, loose_peak), (rois, peak) = sets
        silent = np.zeros(plane.channels, dtype=np.float32)
        found[number] = CandidateRois(rois, loose, rois, loose_peak, peak, silent)
    return found


def slow_coincidence(rois: Any, detector: Any, target: int) -> tuple[Any, Any]:
    """Return mp2 and mp3 as (channel, slice) by loops over slices and wires."""

    def wires(intervals: Intervals, keep: Any, slice_: int) -> list[int]:
        inside = (intervals.begin // 10 <= slice_) & (intervals.end // 10 >= slice_) & keep
        return sorted(set(intervals.row[inside].tolist()))

    plane, one, two = detector.planes[target], *(p for p in range(3) if p != target)
    mp2 = np.zeros((plane.channels, detector.nticks // 10), dtype=bool)
    mp3 = mp2.copy()
    for slice_ in range(20):
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
                at = np.array([float(first)]), np.array([float(second)])
                y, z = crossing_points(detector.planes[one], at[0], detector.planes[two], at[1])
                if detector.inside(y, z)[0]:
                    wire = round(float(plane.wire_number(y, z)[0]))
                    if 0 <= wire < plane.wires:
                        for near in range(max(wire - 1, 0), min(wire + 2, plane.wires)):
                            mp2[near, slice_] = True
                            mp3[near, slice_] |= near in own
    return mp2, mp3


@pytest.mark.parametrize("target", [0, 1, 2])
def test_coincidence_agrees_with_loops(noisy: Simulation, target: int) -> None:
    detector = noisy.detector
    rois = random_candidates(detector, seed=target)
    masks = Coincidence(10, 1000.0, 500.0, 1)(rois, detector, [target])
    assert list(masks) == [target]
    for frame, expected in zip(
        masks[target], slow_coincidence(rois, detector, target), strict=True
    ):
        assert expected.any()
        # The first tick of a slice may belong to the slice before.
        np.testing.assert_array_equal(frame[:, 5::10], expected)


@pytest.mark.parametrize(("theta", "low", "high"), [(0, 0.9, 1.1), (60, 0.9, 1.12), (85, 0, 0.35)])
def test_classical_finder_keeps_short_and_loses_prolonged_tracks(
    noisy: Simulation, track, theta: float, low: float, high: float
) -> None:  # type: ignore[no-untyped-def]
    planes, truth = noisy.simulate(track(noisy, "v", theta), 0, 1)
    near = truth[1] > 1
    share = planes[1]["gauss"][near].sum() / truth[1].sum()
    assert low <= share <= high


def test_noise_alone_gives_few_regions(noisy: Simulation, track) -> None:  # type: ignore[no-untyped-def]
    nothing = track(noisy, "v", 0).depositions.select(np.zeros(400, dtype=bool))
    planes, _ = noisy.simulate(type(track(noisy, "v", 0))(nothing), 0, 1)
    for frames in planes.values():
        assert (frames["gauss"] > 0).mean() < 0.015
        assert 150 < frames["loose_lf"].std() < 350
