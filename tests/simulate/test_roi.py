import numpy as np
import pytest

from roilab.simulate.chain import Simulation
from roilab.simulate.coincidence import MASK_VALUE, Coincidence
from roilab.simulate.intervals import Intervals, find_connected, find_linked
from roilab.simulate.roi import CandidateRois, apply_rois, measure_peaks


def intervals(*parts: tuple[int, int, int], shape: tuple[int, int] = (4, 40)) -> Intervals:
    row, begin, end = (np.array(column) for column in zip(*parts, strict=True))
    return Intervals(row, begin, end, shape)


def test_intervals_of_a_mask_give_the_mask_back() -> None:
    mask = np.random.default_rng(1).random((6, 50)) < 0.4
    np.testing.assert_array_equal(Intervals.from_mask(mask).to_mask(), mask)


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
        rois.append(CandidateRois(single, single, np.array([2000.0]), silent))
        wires.append(wire)
    masks = Coincidence(10, 1000.0, 500.0, 1)(rois, detector)
    for (mp2, mp3), wire in zip(masks, wires, strict=True):
        # Ticks 103 to 118 touch two slices: 2 * 10 + 1 ticks are marked.
        np.testing.assert_array_equal(np.flatnonzero(mp3[wire]), np.arange(100, 121))
        assert set(np.unique(mp2)) == {0, MASK_VALUE}
        rows = np.flatnonzero(mp2.any(axis=1))
        assert len(rows) == 3
        assert abs(rows[1] - wire) <= 1
        np.testing.assert_array_equal(np.flatnonzero(mp3.any(axis=1)), [wire])


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
    for frames in planes:
        assert (frames["gauss"] > 0).mean() < 0.015
        assert 150 < frames["loose_lf"].std() < 350


def test_planes_that_are_not_wanted_change_nothing(noisy: Simulation, track) -> None:  # type: ignore[no-untyped-def]
    every, part = (
        noisy.simulate(track(noisy, "v", 60), 0, 1, planes) for planes in ((0, 1, 2), (1,))
    )
    assert every[0][1].keys() == part[0][1].keys()
    for tag, frame in every[0][1].items():
        np.testing.assert_array_equal(frame, part[0][1][tag])
    np.testing.assert_array_equal(every[1][1], part[1][1])
    assert "gauss" not in part[0][0]
    assert [len(truth) for truth in part[1]] == [0, len(every[1][1]), 0]
