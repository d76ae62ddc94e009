"""``roilab convert``: nothing is lost between containers, and what the user chooses is kept."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from roilab.convert.__main__ import main
from roilab.frames import FrameWriter, open_frames

Run = Callable[..., None]


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["roilab.convert", *map(str, arguments)])
        main()

    return run


def write_odd(path: Path, summaries: bool = False) -> Path:
    """Write two events: types, gaps in the channels, negative ids of events, a tag in one only."""
    rng = np.random.default_rng(1)
    summary = np.array([1.5, 2.5, 4.0]) if summaries else None
    with FrameWriter(path) as writer:
        for event in (-3, 1008):
            raw = rng.integers(-2000, 2000, (3, 50)).astype(np.int16)
            writer.add(event, "orig7", raw, [9, 3, 400], -250e3, 512.0, tbin=-4, summary=summary)
            wide = rng.normal(0, 1e3, (2, 61))
            writer.add(event, "a_b_2", wide, [5, 6], -1.25, 500.0, tbin=3)
        writer.add(1008, "x", np.zeros((0, 5), np.float32), [], 0.0, 500.0)
    return path


def contents(path: Path) -> dict[tuple[int, str], tuple[object, ...]]:
    """Return everything that a file says about its tags, as values that can be compared."""
    found: dict[tuple[int, str], tuple[object, ...]] = {}
    with open_frames(path) as frames:
        for event in frames.events:
            for tag in frames.tags(event):
                info = frames.info(event, tag)
                samples = frames.read_rows(event, tag, slice(None))
                clock = (info.start_ns, info.tick_ns, info.tbin)
                found[event, tag] = (
                    *(samples.tobytes(), samples.shape, str(samples.dtype)),
                    *(info.channels.tolist(), clock),
                )
    return found


@pytest.mark.parametrize("container", ["h5", "npz", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_nothing_is_lost_there_and_back(tmp_path: Path, convert: Run, container: str) -> None:
    source = write_odd(tmp_path / "odd.h5")
    convert(f"frames={source}", f"output_dir={tmp_path}/there", f"container={container}")
    there = tmp_path / "there" / f"odd.{container}"
    assert contents(there) == contents(source)
    convert(f"frames={there}", f"output_dir={tmp_path}/back")
    assert contents(tmp_path / "back" / "odd.h5") == contents(source)


def test_older_files_are_turned(tmp_path: Path, convert: Run) -> None:
    samples = np.arange(12, dtype=np.float32).reshape(3, 4)
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file["frame_x1_5"] = samples.T
        file["channels_x1_5"] = np.array([7, 8, 9])
        file["tickinfo_x1_5"] = np.array([0.0, 500.0, 0.0])
    convert(f"frames={tmp_path}/old.h5", f"output_dir={tmp_path}/new")
    with h5py.File(tmp_path / "new" / "old.h5") as file:
        np.testing.assert_array_equal(file["5/frame_x1"], samples)


def test_summaries_stay_in_archives_and_hdf5_says_that_it_has_none(
    tmp_path: Path, convert: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_odd(tmp_path / "odd.npz", summaries=True)
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("chanmask_bad_1008.npy", b"")
    convert(f"frames={source}", f"output_dir={tmp_path}/there", "container=tar.gz")
    with open_frames(tmp_path / "there" / "odd.tar.gz") as frames:
        assert frames.summary(1008, "orig7").tolist() == [1.5, 2.5, 4.0]  # type: ignore[union-attr]
        assert frames.summary(1008, "a_b_2") is None
    out = capsys.readouterr().out
    assert "Summaries" not in out
    assert "Not copied, because it is no frame: odd.npz: chanmask_bad_1008.npy (1)." in out
    convert(f"frames={source}", f"output_dir={tmp_path}/h5", "container=h5")
    out = capsys.readouterr().out
    assert "Summaries of tags are lost" in out
    assert "odd.npz event -3 orig7, odd.npz event 1008 orig7 (2)" in out
    assert "h5, gzip 1 with shuffle" in out


def test_a_choice_of_tags_planes_ticks_and_events(
    tmp_path: Path, frames_dir: Path, user_conf: Path, convert: Run
) -> None:
    convert(
        *("--config-dir", user_conf, "detector=tiny", f"frames={frames_dir}/g4-rec-0.h5"),
        *(f"output_dir={tmp_path}", "container=npz", "tags=[loose_lf,gauss1]", "planes=[V]"),
        *("tick_range=[100,220]", "events=[101,102]"),
    )
    with open_frames(frames_dir / "g4-rec-0.h5") as source:
        expected = source.read_rows(102, "loose_lf1", slice(48, 96), (100, 220))
    with open_frames(tmp_path / "g4-rec-0.npz") as frames:
        assert frames.events == (101, 102)
        assert frames.tags(101) == ("gauss1", "loose_lf1")
        info = frames.info(102, "loose_lf1")
        assert (info.channels[0], len(info.channels), info.tbin) == (208, 48, 100)
        np.testing.assert_array_equal(frames.read_rows(102, "loose_lf1", slice(None)), expected)


def test_many_files_to_one_and_back(tmp_path: Path, frames_dir: Path, convert: Run) -> None:
    given = (f"frames={frames_dir}/g4-rec-*.h5", "tags=[mp2_roi]")
    convert(*given, f"output_dir={tmp_path}/one", "events_per_file=9", "name=all")
    both = tmp_path / "one" / "all-0.h5"
    with open_frames(both) as frames:
        assert frames.events == (100, 101, 102, 110, 111)
    convert(f"frames={both}", f"output_dir={tmp_path}/many", "events_per_file=2", "first_event=0")
    names = sorted((tmp_path / "many").iterdir())
    assert [path.name for path in names] == ["frames-0.h5", "frames-1.h5", "frames-2.h5"]
    split = [one for path in names for one in contents(path).values()]
    assert split == list(contents(both).values())
    with open_frames(names[2]) as frames:
        assert frames.events == (4,)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["tags=[nothing]"], "there is no tag 'nothing'"),
        (["events=[7]"], "no file holds event 7; they hold [100, 101, 102, 110, 111]"),
        (["planes=[V]"], "choose one, such as detector=pdhd"),
        (["apas=[4]"], "there is no tag of these anodes"),
        (["container=root"], "container=root: expected one of h5"),
    ],
)
def test_choices_that_are_not_there(
    tmp_path: Path,
    frames_dir: Path,
    convert: Run,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    with pytest.raises(SystemExit):
        convert(f"frames={frames_dir}/g4-rec-*.h5", f"output_dir={tmp_path}/out", *arguments)
    assert text in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_no_event_twice_and_no_input_replaced(
    tmp_path: Path, convert: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        write_odd(tmp_path / f"{name}.h5")
    before = (tmp_path / "a.h5").read_bytes()
    for arguments, text in (
        ([f"output_dir={tmp_path}"], "is one of the frame files and would be replaced"),
        ([f"output_dir={tmp_path}/new", "events_per_file=9"], "event -3 is in"),
    ):
        with pytest.raises(SystemExit):
            convert(f"frames={tmp_path}", *arguments)
        assert text in " ".join(capsys.readouterr().err.split())
    assert (tmp_path / "a.h5").read_bytes() == before
