"""The cache under several jobs, a full disk and a bound."""

import errno
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roilab.data import (
    CacheError,
    ImageCache,
    ImageSource,
    ImageSpec,
    PlaneSelection,
    list_images,
)
from roilab.data.cache import image_key
from roilab.detectors import Readout
from roilab.frames import match_files

SPEC = ImageSpec(("loose_lf",), ("deposplat",), (0, 480), 10)
READOUT = Readout({"V": (48, 96)}, 160, None, (0, 480), ("deposplat",), 480)


@pytest.fixture
def source(frames_dir: Path) -> ImageSource:
    pairs = match_files(frames_dir, "g4-rec-*.h5", "g4-tru-*.h5")
    return list_images(pairs, READOUT, PlaneSelection(("V",)), SPEC)[0]


def image(value: float = 1.0) -> np.ndarray:
    return np.full((2, 4, 5), value, dtype=np.float32)


def test_made_once(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "c", max_gb=1)
    made = []

    def make() -> np.ndarray:
        made.append(1)
        return image()

    assert "a1" not in cache
    for _ in range(3):
        np.testing.assert_array_equal(cache.get("a1", make), image())
    assert len(made) == 1
    assert "a1" in cache
    assert cache.size_bytes() == (tmp_path / "c" / "a1.npy").stat().st_size


def test_key_changes_with_all_that_changes_the_image(source: ImageSource, frames_dir: Path) -> None:
    variants = [
        (source, SPEC),
        *((source, replace(SPEC, **change)) for change in (
            {"rebin": 5}, {"layers": ("gauss",)}, {"truth": ("ductor",)},
            {"tick_range": (0, 240)}, {"channel_rebin": 2},
        )),
        *((replace(source, **change), SPEC) for change in (
            {"rec_event": 101}, {"tru_event": 101}, {"apa": "2"},
            {"channel_ranges": ((160, 208),)}, {"truth_tag": "ductor1"},
        )),
    ]  # fmt: skip
    keys = [image_key(*variant) for variant in variants]
    assert len(set(keys)) == len(variants)
    assert image_key(source, SPEC) == keys[0]


def test_key_changes_with_the_file(source: ImageSource, tmp_path: Path) -> None:
    copies = []
    for path in (source.pair.rec, source.pair.tru):
        copies.append(tmp_path / path.name)
        copies[-1].write_bytes(path.read_bytes())
    moved = replace(source, pair=replace(source.pair, rec=copies[0], tru=copies[1]))
    before = image_key(moved, SPEC)
    os.utime(copies[1], (1, 1))
    assert image_key(moved, SPEC) != before != image_key(source, SPEC)


def _slow_image(marks: Path) -> np.ndarray:
    (marks / str(os.getpid())).touch()
    time.sleep(0.3)
    return image()


def _get(folder: Path, marks: Path) -> None:
    got = ImageCache(folder, 1).get("k1", lambda: _slow_image(marks))
    np.testing.assert_array_equal(got, image())


def test_several_jobs_make_an_image_once(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=_get, args=(tmp_path / "c", marks)) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 4
    assert len(list(marks.iterdir())) == 1


def test_a_damaged_image_is_made_again(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, max_gb=1)
    cache.get("a", image)
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY broken")
    np.testing.assert_array_equal(cache.get("a", image), image())
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), image())


def test_bound_evicts_what_no_one_uses(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    size = image().nbytes + 128  # .npy header
    for key, age in (("old", 200), ("older", 300)):
        ImageCache(tmp_path, 1).get(key, image)
        os.utime(tmp_path / f"{key}.npy", (time.time() - age,) * 2)
    cache = ImageCache(tmp_path, max_gb=3 * size / 1e9)
    cache.get("a", image)
    assert {p.name for p in tmp_path.glob("*.npy")} == {"a.npy", "old.npy", "older.npy"}
    cache.get("b", image)
    assert {p.name for p in tmp_path.glob("*.npy")} == {"a.npy", "old.npy", "b.npy"}
    cache.get("c", image)
    assert not caplog.text
    # All three are in use now: further images are handed out but not kept.
    np.testing.assert_array_equal(cache.get("d", image), image())
    assert "limit of 0.0 GB is reached" in caplog.text
    assert {p.name for p in tmp_path.glob("*.npy")} == {"a.npy", "b.npy", "c.npy"}


def test_any_changed_bit_is_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache, path = ImageCache(tmp_path, max_gb=1), tmp_path / "a.npy"
    rng = np.random.default_rng(1)
    expected = rng.normal(size=(3, 60, 70)).astype(np.float32)  # longer than a row of the checksum
    cache.get("a", lambda: expected)
    whole = path.read_bytes()
    begin, end = range(0, 128, 2), range(len(whole) - 9, len(whole))
    for number, place in enumerate([*begin, *end, *rng.integers(len(whole), size=80)]):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        np.testing.assert_array_equal(cache.get("a", lambda: expected), expected)
        assert path.read_bytes() == whole
        assert len(caplog.records) == number + 1
    for length in (0, 4, 8, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        np.testing.assert_array_equal(cache.get("a", lambda: expected), expected)
    assert cache.get("a", lambda: expected).flags.writeable


def test_exchanged_blocks_of_a_disk_are_found(tmp_path: Path) -> None:
    cache, path = ImageCache(tmp_path, max_gb=1), tmp_path / "a.npy"
    expected = np.arange(3 * 4096, dtype=np.float32)
    cache.get("a", lambda: expected)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + whole[8192:12288] + whole[4096:8192] + whole[12288:])
    np.testing.assert_array_equal(cache.get("a", lambda: expected), expected)


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "c", max_gb=1)

    def make() -> np.ndarray:
        shutil.rmtree(tmp_path / "c")
        return image()

    cache.get("a", image)
    np.testing.assert_array_equal(cache.get("b", make), image())
    assert [path.name for path in (tmp_path / "c").glob("*.npy")] == ["b.npy"]


def test_errors_of_the_frames_are_not_those_of_the_cache(tmp_path: Path) -> None:
    def make() -> np.ndarray:
        raise FileNotFoundError("g4-rec-0.h5")

    with pytest.raises(FileNotFoundError, match="g4-rec"):
        ImageCache(tmp_path, max_gb=1).get("a", make)


def test_leftovers_of_killed_jobs_are_removed(tmp_path: Path) -> None:
    gone = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(gone, 0)
    names = [f".ab1.{gone}.partial.npy", f".ab2.{os.getppid()}.partial.npy", f".cd.{gone}.partial"]
    for name in names:
        (tmp_path / name).touch()
    ImageCache(tmp_path, max_gb=1).get("ab3", image)
    # That of a running process and one under another lock are kept.
    assert {path.name for path in tmp_path.glob(".*")} == set(names[1:])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(code, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CacheError, match=r"no space is left\. Free space.*data\.cache=null"):
        ImageCache(tmp_path, 1).get("a", image)
    assert [p.name for p in tmp_path.iterdir()] == ["locks"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"data\.cache\.dir=FOLDER"):
        ImageCache(tmp_path / "file" / "c", 1).get("a", image)
