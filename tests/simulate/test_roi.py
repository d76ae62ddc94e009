import numpy as np
import pytest

from roilab.simulate.chain import Simulation
from roilab.simulate.intervals import Intervals, fill_mask, find_connected, find_linked
from roilab.simulate.roi import apply_rois, measure_peaks


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
