"""Opening, pairing and writing frame files, and their error messages."""

import fcntl
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from roilab.frames import (
    EventMismatchError,
    FilePair,
    FrameFileError,
    FrameWriter,
    MissingTagError,
    match_events,
    match_files,
    open_frames,
)
from tiny_frames import write_pair


def one_event(path: Path, *events: int) -> Path:
    with FrameWriter(path) as writer:
        for event in events:
            samples = np.random.default_rng(event).random((2, 5000), np.float32)
            writer.add(event, "x1", samples, [1, 2], 0.0, 500.0)
    return path


@pytest.mark.parametrize("name", ["f.h5", "f.npz", "f.tar", "f.tar.gz"])
def test_absent_foreign_and_truncated_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(FrameFileError, match="no such file"):
        open_frames(path)
    path.write_text("not frames at all")
    with pytest.raises(FrameFileError, match=rf"{name}: cannot be opened as"):
        open_frames(path)
    content = one_event(path, 1).read_bytes()
    path.write_bytes(content[: len(content) // 2])

    def read() -> None:
        with open_frames(path) as frames:
            for tag in frames.tags(1):
                frames.read_rows(1, tag, slice(None))

    with pytest.raises(FrameFileError, match=name):
        read()


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    arrays = {"channels_x1_1": np.array([0]), "tickinfo_x1_1": np.zeros(3)}
    frame = np.array([[{}]], dtype=object)
    np.savez(tmp_path / "f.npz", frame_x1_1=frame, **arrays)
    with open_frames(tmp_path / "f.npz") as frames, pytest.raises(FrameFileError, match="objects"):
        frames.info(1, "x1")


def test_misshapen_tags(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["1/frame_x1"] = np.ones((2, 3))
        file["1/channels_x1"] = np.arange(5)
        file["1/tickinfo_x1"] = np.zeros(3)
        file["1/frame_y1"] = np.ones((2, 3))
    with open_frames(tmp_path / "f.h5") as frames:
        with pytest.raises(FrameFileError, match=r"shape \(2, 3\) against 5 channels"):
            frames.info(1, "x1")
        with pytest.raises(FrameFileError, match="'channels_y1' is absent"):
            frames.info(1, "y1")
        with pytest.raises(MissingTagError, match="has no tag 'z1'; it has x1, y1"):
            frames.info(1, "z1")
        with pytest.raises(FrameFileError, match=r"no event 9; the file holds \[1\]"):
            frames.tags(9)


def test_a_locked_or_read_only_file_opens(tmp_path: Path) -> None:
    path = one_event(tmp_path / "f.h5", 1)
    path.chmod(0o444)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with open_frames(path) as frames:
            assert frames.events == (1,)


def test_no_incomplete_files(tmp_path: Path) -> None:
    def interrupted() -> None:
        with FrameWriter(tmp_path / "f.h5") as writer:
            writer.add(1, "x1", np.ones((1, 3)), [0], 0.0, 500.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with (
        pytest.raises(FrameFileError, match="one row per channel"),
        FrameWriter(tmp_path / "g.tar") as writer,
    ):
        writer.add(1, "x1", np.ones((1, 3)), [0, 1], 0.0, 500.0)
    with pytest.raises(FrameFileError, match=r"ends in \.h5"):
        FrameWriter(tmp_path / "f.root")
    assert list(tmp_path.iterdir()) == []


def test_tar_members_carry_the_toolkits_names(tmp_path: Path) -> None:
    with tarfile.open(one_event(tmp_path / "f.tar", 42)) as tar:
        assert tar.getnames() == ["frame_x1_42.npy", "channels_x1_42.npy", "tickinfo_x1_42.npy"]


def test_files_pair_by_what_the_star_stands_for(tmp_path: Path) -> None:
    for number in (10, 2):
        write_pair(tmp_path, number, [0])
    assert match_files(tmp_path, "g4-rec-*.h5", "g4-tru-*.h5") == [
        FilePair(tmp_path / f"g4-rec-{n}.h5", tmp_path / f"g4-tru-{n}.h5") for n in (10, 2)
    ]
    (tmp_path / "g4-tru-2.h5").unlink()
    with pytest.raises(FrameFileError, match=r"g4-rec-2\.h5: its truth file .*g4-tru-2\.h5 is abs"):
        match_files(tmp_path, "g4-rec-*.h5", "g4-tru-*.h5")
    with pytest.raises(FrameFileError, match=r"no file matches 'x-\*\.h5'"):
        match_files(tmp_path, "x-*.h5", "y-*.h5")
    with pytest.raises(FrameFileError, match="no such folder"):
        match_files(tmp_path / "none", "x-*.h5", "y-*.h5")
    with pytest.raises(FrameFileError, match=r"has 0 '\*'"):
        match_files(tmp_path, "x.h5", "y-*.h5")


@pytest.mark.parametrize(
    ("rec", "tru", "pairs"),
    [
        ((100, 101), (100, 101), [(100, 100), (101, 101)]),
        ((100, 101), (0, 1), [(100, 0), (101, 1)]),
        ((5,), (4, 5, 6), [(5, 5)]),
        ((100, 101), (0, 2), None),
        ((100, 101), (0,), None),
        ((1, 2), (2, 3), [(1, 2), (2, 3)]),
    ],
)
def test_events_pair_by_id_or_constant_difference(
    tmp_path: Path,
    rec: tuple[int, ...],
    tru: tuple[int, ...],
    pairs: list[tuple[int, int]] | None,
) -> None:
    with (
        open_frames(one_event(tmp_path / "r.h5", *rec)) as a,
        open_frames(one_event(tmp_path / "t.h5", *tru)) as b,
    ):
        if pairs is not None:
            assert match_events(a, b) == pairs
            return
        with pytest.raises(EventMismatchError, match=r"r\.h5: events \[100, 101\] against"):
            match_events(a, b)
