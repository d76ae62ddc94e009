"""Frames of the full toolkit, with all variations of real files."""

from pathlib import Path

import h5py
import numpy as np

from roilab.frames import TickAxis, match_events, match_files, open_frames, read_plane


def test_native_frames_land_on_one_grid(pdhd: Path) -> None:
    (pair,) = match_files(pdhd / "native", "g4-rec-*.h5", "g4-tru-*.h5")
    with open_frames(pair.rec) as rec, open_frames(pair.tru) as tru:
        assert match_events(rec, tru) == [(100, 0)]
        axis = TickAxis.of(rec.info(100, "loose_lf1"))
        assert axis.first_tick(tru.info(0, "deposplat1")) == -127
        for plane in ((2560, 3360), (3360, 4160), (4160, 5120)):
            truth = read_plane(tru, 0, "deposplat1", plane, (0, 6000), axis)
            gauss = read_plane(rec, 100, "gauss1", plane, (0, 6000), axis)
            loose = read_plane(rec, 100, "loose_lf1", plane, (0, 6000), axis)
            assert truth.shape == gauss.shape == loose.shape == (plane[1] - plane[0], 6000)
            # Misplaced by a few rows or columns, truth and reconstruction would not correlate.
            aligned = np.corrcoef(truth.ravel(), gauss.ravel())[0, 1]
            shifted = np.corrcoef(truth[:, :-20].ravel(), gauss[:, 20:].ravel())[0, 1]
            moved = np.corrcoef(truth[:-10].ravel(), gauss[10:].ravel())[0, 1]
            assert aligned > 0.8
            assert max(shifted, moved) < 0.5 * aligned
            np.testing.assert_allclose(gauss.sum() / truth.sum(), 1, atol=0.15)
        # W has no coincidence traces at all: zero, not an error.
        assert not read_plane(rec, 100, "mp2_roi1", (4160, 5120), (0, 6000), axis).any()


def test_one_plane_by_hand(pdhd: Path) -> None:
    path = pdhd / "native" / "g4-tru-1.h5"
    with h5py.File(path, "r", locking=False) as file:
        channels = file["0/channels_deposplat1"][:].tolist()
        row = channels.index(4000)
        expected = file["0/frame_deposplat1"][row, 127:6127]
    with open_frames(path) as tru:
        axis = TickAxis(-249951.77664975, 500.0)
        image = read_plane(tru, 0, "deposplat1", (3360, 4160), (0, 6000), axis)
    np.testing.assert_array_equal(image[4000 - 3360], expected)
    assert expected.sum() > 0
