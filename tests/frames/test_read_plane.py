"""Placing tags on one (channel, tick) grid, against a slow loop over single samples."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roilab.detectors import Readout
from roilab.detectors.locate import find_anode
from roilab.frames import (
    BadChargeError,
    FrameWriter,
    MissingTagError,
    TickAxis,
    TickAxisError,
    find_apas,
    open_frames,
    read_plane,
)
from roilab.frames.hdf5 import Hdf5Frames
from roilab.frames.names import ARCHIVE_ENDINGS, HDF5_ENDINGS

SUFFIXES = [*HDF5_ENDINGS, *ARCHIVE_ENDINGS]
AXIS = TickAxis(start_ns=-1000.0, tick_ns=500.0)


def place_slowly(
    samples: NDArray[np.float32],
    channels: list[int],
    first_ns: float,
    wanted: tuple[tuple[int, int], tuple[int, int]],
) -> NDArray[np.float32]:
    """Place sample after sample: the channel gives the row, the time gives the column."""
    (c0, c1), (t0, t1) = wanted
    image = np.zeros((c1 - c0, t1 - t0), dtype=np.float32)
    for row, channel in enumerate(channels):
        for column in range(samples.shape[1]):
            tick = round((first_ns + 500.0 * column - AXIS.start_ns) / 500.0)
            if c0 <= channel < c1 and t0 <= tick < t1:
                image[channel - c0, tick - t0] = samples[row, column]
    return image


@settings(max_examples=60, deadline=None)
@given(
    channels=st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True),
    columns=st.integers(1, 12),
    offset=st.integers(-9, 9),
    tbin=st.integers(0, 5),
    low=st.integers(0, 20),
    height=st.integers(1, 15),
    t0=st.integers(0, 6),
    width=st.integers(1, 12),
)
def test_places_every_sample_by_channel_and_time(
    tmp_path_factory: pytest.TempPathFactory,
    channels: list[int],
    columns: int,
    offset: int,
    tbin: int,
    low: int,
    height: int,
    t0: int,
    width: int,
) -> None:
    assume(len(channels) != columns)  # a square frame alone does not show which axis is which
    samples = np.arange(1, len(channels) * columns + 1, dtype=np.float32)
    samples = samples.reshape(len(channels), columns)
    start = AXIS.start_ns + 500.0 * offset
    path = tmp_path_factory.mktemp("place") / "f.h5"
    with FrameWriter(path) as writer:
        writer.add(3, "gauss1", samples, channels, start, 500.0, tbin)
    wanted = ((low, low + height), (t0, t0 + width))
    with open_frames(path) as frames:
        image = read_plane(frames, 3, "gauss1", *wanted, AXIS)
    expected = place_slowly(samples, channels, start + 500.0 * tbin, wanted)
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_container_gives_the_same(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(7, 9)).astype(np.float32)
    channels = [4, 5, 6, 8, 9, 12, 13]
    with FrameWriter(tmp_path / f"f{suffix}") as writer:
        writer.add(100, "loose_lf1", samples, channels, -1000.0, 500.0)
        writer.add(101, "mp2_roi1", samples[:2], channels[:2], -1000.0, 500.0, 3)
    with open_frames(tmp_path / f"f{suffix}") as frames:
        assert frames.events == (100, 101)
        assert frames.tags(100) == ("loose_lf1",)
        info = frames.info(101, "mp2_roi1")
        assert (info.tbin, info.n_columns, info.channels.tolist()) == (3, 9, [4, 5])
        image = read_plane(frames, 100, "loose_lf1", (5, 13), (2, 8), AXIS)
    expected = place_slowly(samples, channels, -1000.0, ((5, 13), (2, 8)))
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("channel_first", [True, False])
def test_orientation_and_memory_order_do_not_matter(
    tmp_path: Path, order: str, channel_first: bool
) -> None:
    # WCT's arrays are column-major (Fortran order); older files are (tick, channel).
    samples = np.arange(12, dtype=np.float32).reshape(3, 4)
    stored = np.asarray(samples if channel_first else samples.T, order=order)
    tickinfo, channels = np.array([-1000.0, 500.0, 0.0]), np.array([2, 5, 6])
    arrays = {"frame": stored, "channels": channels, "tickinfo": tickinfo}
    np.savez(tmp_path / "a.npz", **{f"{kind}_x1_7": a for kind, a in arrays.items()})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for kind, array in arrays.items():
            file[f"7/{kind}_x1"] = array
    for name in ("a.npz", "a.h5"):
        with open_frames(tmp_path / name) as frames:
            image = read_plane(frames, 7, "x1", (2, 7), (0, 4), AXIS)
            np.testing.assert_array_equal(image[[0, 3, 4]], samples)
            np.testing.assert_array_equal(image[[1, 2]], 0)
            np.testing.assert_array_equal(frames.read_rows(7, "x1", slice(1, 3)), samples[1:])


def test_reads_no_samples_outside_the_image(
    frames_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def read_rows(self, event, tag, rows, columns):  # type: ignore[no-untyped-def]
        samples = original(self, event, tag, rows, columns)
        read.append(samples.shape)
        return samples

    original = Hdf5Frames._read_rows
    monkeypatch.setattr(Hdf5Frames, "_read_rows", read_rows)
    with open_frames(frames_dir / "g4-rec-0.h5") as frames:
        axis = TickAxis.of(frames.info(100, "loose_lf1"))
        image = read_plane(frames, 100, "loose_lf1", (208, 256), (10, 400), axis)
    assert [image.shape] == read == [(48, 390)]


def test_a_tag_absent_in_one_event_is_zero_and_in_all_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FrameWriter(tmp_path / "f.h5") as writer:
        writer.add(0, "loose_lf1", np.ones((1, 4)), [0], -1000.0, 500.0)
        writer.add(1, "loose_lf1", np.ones((1, 4)), [0], -1000.0, 500.0)
        writer.add(1, "mp3_roi1", np.ones((1, 4)), [0], -1000.0, 500.0)
    with open_frames(tmp_path / "f.h5") as frames:
        # WCT leaves a tag out of an event in which it has no traces.
        assert not read_plane(frames, 0, "mp3_roi1", (0, 2), (0, 4), AXIS).any()
        assert "event 0 has no tag 'mp3_roi1'" in caplog.text
        with pytest.raises(MissingTagError, match=r"f\.h5: event 0 has no tag 'gauss1'.*loose_lf1"):
            read_plane(frames, 0, "gauss1", (0, 2), (0, 4), AXIS)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_charge_is_named(tmp_path: Path, bad: float) -> None:
    samples = np.ones((3, 4), dtype=np.float32)
    samples[2, 1] = bad
    with FrameWriter(tmp_path / "f.h5") as writer:
        writer.add(5, "loose_lf1", samples, [7, 8, 9], -1000.0, 500.0)
    with (
        open_frames(tmp_path / "f.h5") as frames,
        pytest.raises(BadChargeError, match=r"event 5, tag 'loose_lf1'.* channel 9 at column 1"),
    ):
        read_plane(frames, 5, "loose_lf1", (7, 10), (0, 4), AXIS)


def test_ticks_of_another_length_cannot_be_placed(tmp_path: Path) -> None:
    with FrameWriter(tmp_path / "f.h5") as writer:
        writer.add(5, "x1", np.ones((1, 4)), [7], -1000.0, 512.0)
    with (
        open_frames(tmp_path / "f.h5") as frames,
        pytest.raises(TickAxisError, match="ticks of 512 ns against 500 ns"),
    ):
        read_plane(frames, 5, "x1", (7, 8), (0, 4), AXIS)


def test_anodes_and_their_first_channel(tmp_path: Path) -> None:
    with FrameWriter(tmp_path / "f.h5") as writer:
        for apa, first in ((0, 0), (2, 5120), (10, 0)):
            writer.add(1, f"loose_lf{apa}", np.ones((2, 4)), [first, first + 9], 0.0, 500.0)
        writer.add(1, "loose_lf_x3", np.ones((2, 4)), [0, 1], 0.0, 500.0)
    with open_frames(tmp_path / "f.h5") as frames:
        assert find_apas(frames, 1, "loose_lf") == ("0", "2", "10")
        readout = Readout({"V": (800, 1600)}, 2560, None, (0, 4), (), 4)
        for apa, expected in (("0", 0), ("2", 5120), ("10", 0)):
            ids = frames.info(1, f"loose_lf{apa}").channels
            assert find_anode(readout, ids, apa, "").channels == (expected, expected + 2560)
