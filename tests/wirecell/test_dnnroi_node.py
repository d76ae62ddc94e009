"""Before and after the network, against a slow literal transcription and hand-made frames."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from roilab.frames import input_ticks
from roilab.wirecell import (
    Node,
    NodeSettings,
    NodeSettingsError,
    baseline_subtraction,
    downsample,
    forward_in_chunks,
    model_input,
    model_ticks,
    roi_charge,
)

Frame = NDArray[np.float32]
f32 = np.float32


def settings(**changed: Any) -> NodeSettings:
    plain: dict[str, Any] = {
        **{"tick_per_slice": 4, "tick_pad_multiple": 0, "nchunks": 1},
        **{"input_scale": 1 / 4000, "input_offset": 0.0, "mask_thresh": 0.5},
        **{"output_scale": 1.0, "output_offset": 0.0, "save_negative_charge": False},
    }
    return NodeSettings(**{**plain, **changed})


def slow_downsample(frame: Frame, node: NodeSettings) -> Frame:
    n_channels, n_ticks = frame.shape
    multiple = node.tick_pad_multiple if node.tick_pad_multiple > 0 else node.tick_per_slice
    n_model = n_ticks
    while n_model % multiple:
        n_model += 1
    out = np.zeros((n_channels, n_model // node.tick_per_slice), f32)
    for channel in range(n_channels):
        for tick in range(n_model):
            x = frame[channel, tick] if tick < n_ticks else f32(0)
            x = f32(f32(x * f32(node.input_scale)) + f32(node.input_offset))
            out[channel, tick // node.tick_per_slice] += x
        for piece in range(out.shape[1]):
            out[channel, piece] /= f32(node.tick_per_slice)
    return out


def slow_baseline(frame: Frame) -> Frame:
    out = np.zeros_like(frame)
    for channel in range(len(frame)):
        row, start, end = frame[channel], 0, 0
        for tick in range(len(row)):
            if row[tick] == 0:
                if start < end:
                    for i in range(start, end + 1):
                        rise = f32(row[end] - row[start])
                        slope = f32(f32(f32(i - start) * rise) / f32(end - start))
                        out[channel, i] = f32(row[i] - f32(row[start] + slope))
                start = tick + 1
            else:
                end = tick
    return out


def slow_roi_charge(decon: Frame, probability: Frame, node: NodeSettings) -> Frame:
    n_channels, n_ticks = decon.shape
    kept = np.zeros((n_channels, probability.shape[1] * node.tick_per_slice), f32)
    for channel in range(n_channels):
        for tick in range(n_ticks):
            if probability[channel, tick // node.tick_per_slice] > f32(node.mask_thresh):
                kept[channel, tick] = decon[channel, tick]
    kept = slow_baseline(kept)
    out = np.zeros((n_channels, n_ticks), f32)
    for channel in range(n_channels):
        for tick in range(n_ticks):
            scaled = f32(kept[channel, tick] * f32(node.output_scale))
            value = f32(scaled + f32(node.output_offset))
            out[channel, tick] = 0 if value < 0 and not node.save_negative_charge else value
    return out


def same_bits(one: Frame, other: Frame) -> None:
    assert one.dtype == other.dtype == np.float32
    # array_equal takes -0 and 0 for the same, as the node's next step does.
    np.testing.assert_array_equal(one, other)


charges = st.floats(-1e5, 1e5, width=32) | st.just(0.0) | st.sampled_from([50.0, -50.0])
nodes = st.builds(
    settings,
    tick_per_slice=st.sampled_from([1, 3, 4]),
    tick_pad_multiple=st.sampled_from([0, 12, 24]),
    input_scale=st.sampled_from([1 / 4000, 1.0, 0.3]),
    input_offset=st.sampled_from([0.0, 0.1]),
    mask_thresh=st.sampled_from([0.2, 0.5]),
    output_scale=st.sampled_from([1.0, 1.1]),
    output_offset=st.sampled_from([0.0, -3.0]),
    save_negative_charge=st.booleans(),
)
frames = npst.arrays(
    f32, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=charges, fill=st.just(0.0)
)


@given(frames, nodes)
def test_before_against_the_slow_one(frame: Frame, node: NodeSettings) -> None:
    same_bits(downsample(frame, node), slow_downsample(frame, node))


@given(frames)
def test_baseline_against_the_slow_one(frame: Frame) -> None:
    same_bits(baseline_subtraction(frame), slow_baseline(frame))


@given(frames, nodes, st.data())
def test_after_against_the_slow_one(frame: Frame, node: NodeSettings, data: st.DataObject) -> None:
    n_slices = model_ticks(frame.shape[1], node.pad_multiple) // node.tick_per_slice
    levels = st.sampled_from([f32(v) for v in (0.0, 0.2, 0.3, 0.5, 0.6, 1.0)])
    probability = data.draw(npst.arrays(f32, (len(frame), n_slices), elements=levels))
    same_bits(roi_charge(frame, probability, node), slow_roi_charge(frame, probability, node))


@pytest.mark.parametrize("seed", range(3))
def test_noise_of_real_size(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = rng.normal(0, 875, (6, 602)).astype(f32)
    node = settings(tick_per_slice=10)
    probability = (rng.random((6, 61)) > 0.7).astype(f32)
    same_bits(downsample(frame, node), slow_downsample(frame, node))
    same_bits(roi_charge(frame, probability, node), slow_roi_charge(frame, probability, node))


HAND_MADE = {
    "line through both ends": ([0, 1, 5, 9, 3, 0], [0, 0, 10 / 3, 20 / 3, 0, 0]),
    "one sample": ([0, 7, 0, 0], [0, 0, 0, 0]),
    "two samples": ([0, 7, 3, 0], [0, 0, 0, 0]),
    "open at the last tick": ([0, 0, 1, 5, 1], [0, 0, 0, 0, 0]),
    "from the first tick": ([2, 6, 2, 0, 0], [0, 4, 0, 0, 0]),
    "a zero splits": ([1, 4, 1, 0, 1, 5, 1, 0], [0, 3, 0, 0, 0, 4, 0, 0]),
    "negative ends": ([0, -2, 4, -2, 0], [0, 0, 6, 0, 0]),
}


@pytest.mark.parametrize("name", HAND_MADE)
def test_baseline_by_hand(name: str) -> None:
    row, expected = HAND_MADE[name]
    charge = baseline_subtraction(np.array([row, row[::-1], row], f32))
    np.testing.assert_allclose(charge[[0, 2]], [expected, expected], rtol=1e-6)


def test_runs_of_neighbouring_channels_stay_apart() -> None:
    # The first channel ends in an open run where the second begins with one.
    charge = np.array([[0, 0, 3, 9, 3], [3, 9, 3, 0, 0]], f32)
    assert baseline_subtraction(charge).tolist() == [[0] * 5, [0, 6, 0, 0, 0]]


def test_padding_saves_a_run_at_the_last_input_tick() -> None:
    decon = np.array([[0, 0, 1, 5, 5, 1]], f32)
    one = np.ones((1, 2), f32)
    exact = settings(tick_per_slice=3)
    assert roi_charge(decon, one, exact).tolist() == [[0, 0, 0, 0, 0, 0]]
    padded = settings(tick_per_slice=3, tick_pad_multiple=9)
    assert roi_charge(decon, np.ones((1, 3), f32), padded).tolist() == [[0, 0, 0, 4, 4, 0]]


def test_scale_offset_and_negative_charge() -> None:
    decon = np.array([[0, 2, 1, 4, 2, 0]], f32)
    one = np.ones((1, 2), f32)
    changed = settings(tick_per_slice=3, output_scale=2, output_offset=1)
    # Minus the line at 2: -1 and 2; times 2 plus 1: -1 (clamped) and 5.
    assert roi_charge(decon, one, changed).tolist() == [[1, 1, 0, 5, 1, 1]]
    kept = settings(tick_per_slice=3, output_scale=2, output_offset=1, save_negative_charge=True)
    assert roi_charge(decon, one, kept).tolist() == [[1, 1, -1, 5, 1, 1]]


def test_mask_threshold_is_strict() -> None:
    decon = np.array([[1, 2, 1, 0, 1, 2, 1, 0]], f32)
    found = roi_charge(decon, np.array([[0.5, 0.51]], f32), settings())
    assert found.tolist() == [[0, 0, 0, 0, 0, 1, 0, 0]]


def test_input_by_hand() -> None:
    node = settings(tick_per_slice=2, tick_pad_multiple=6, input_scale=0.5, input_offset=1)
    image = model_input([np.array([[2, 4, 6, 8]], f32), np.zeros((1, 4), f32)], node)
    assert image.shape == (1, 2, 1, 3)
    # The ticks filled up are 0 before the offset.
    assert image[0, :, 0].tolist() == [[2.5, 4.5, 1], [1, 1, 1]]


def test_ticks() -> None:
    assert input_ticks([(0, 6000), (127, 5900), (-5, 10)], 0, 9) == 6027
    assert input_ticks([(0, 6000)], 100, 9) == 5900
    assert input_ticks([], 0, 6000) == 6000
    assert (model_ticks(6000, 10), model_ticks(6000, 128), model_ticks(1, 10)) == (6000, 6016, 10)


@pytest.mark.parametrize("nchunks", [1, 2, 3, 4, 7, 20])
def test_chunks_are_those_of_torch(nchunks: int) -> None:
    image = torch.randn(1, 2, 10, 5)
    seen: list[int] = []

    def network(part: torch.Tensor) -> torch.Tensor:
        assert part.is_contiguous()
        seen.append(part.shape[2])
        return part.sum(1, keepdim=True) + part.shape[2]

    output = forward_in_chunks(network, image, nchunks)
    expected = {1: [10], 2: [5, 5], 3: [4, 4, 2], 4: [3, 3, 3, 1], 7: [2] * 5, 20: [1] * 10}
    assert seen == expected[nchunks]
    sizes = np.repeat(seen, seen)[:, None]
    np.testing.assert_array_equal(output, image[0].sum(0).numpy() + sizes.astype(f32))


def test_settings_that_cut_a_slice() -> None:
    with pytest.raises(NodeSettingsError, match=r"tick_pad_multiple=6 is no multiple of .*=4"):
        settings(tick_pad_multiple=6)
    with pytest.raises(NodeSettingsError, match="nchunks=0"):
        settings(nchunks=0)


def test_the_whole_node_and_its_steps() -> None:
    rng = np.random.default_rng(0)
    frame = {tag: rng.normal(0, 875, (6, 50)).astype(f32) for tag in ("loose_lf", "mp2_roi", "q")}
    node = settings(nchunks=2, tick_pad_multiple=12)

    def network(image: torch.Tensor) -> torch.Tensor:
        return image.sum(1, keepdim=True).sigmoid()

    steps: list[str] = []
    traces = Node(("loose_lf", "mp2_roi"), "q", network, node)(frame, steps.append)
    image = model_input([frame["loose_lf"], frame["mp2_roi"]], node)
    expected = roi_charge(frame["q"], forward_in_chunks(network, image, 2), node)
    same_bits(np.stack(traces), expected)
    assert np.count_nonzero(expected)
    of_tag = ("traces to array", "scale", "downsample")
    of_chunk = ("clone", "forward", "collect")
    assert steps == [
        *(f"1 {tag}: {step}" for tag in ("loose_lf", "mp2_roi") for step in of_tag),
        "2 stack",
        *(f"3 chunk {number}: {step}" for number in (1, 2) for step in of_chunk),
        *("3 join the chunks", "4 decon charge: traces to array"),
        *("5 mask", "5 baseline", "5 scale and crop", "5 traces"),
    ]
