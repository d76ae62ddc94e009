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
from roilab.data.image_codec import encode_image
from roilab.detectors import Readout
from roilab.frames import match_files

A, B, C, D = (letter * 32 for letter in "abcd")  # keys of images
SPEC = ImageSpec(("loose_lf",), ("deposplat",), (0, 480), 10)
READOUT = Readout({"V": (48, 96)}, 160, None, (0, 480), ("deposplat",), 480)


@pytest.fixture
def source(frames_dir: Path) -> ImageSource:
    pairs = match_files(frames_dir, "g4-rec-*.h5", "g4-tru-*.h5")
    return list_images(pairs, READOUT, PlaneSelection(("V",)), SPEC)[0]


def image(value: float = 1.0) -> np.ndarray:
    return np.full((2, 4, 5), value, dtype=np.float32)


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*.{suffix}"))


def test_made_once(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "c", max_gb=1)
    made = []

    def make() -> np.ndarray:
        made.append(1)
        return image()

    assert cache.absent([A, B]) == [0, 1]
    for _ in range(3):
        np.testing.assert_array_equal(cache.get(A, make), image())
    assert cache.fill(A, make)
    np.testing.assert_array_equal(ImageCache(tmp_path / "c", 1).get(A, make), image())
    assert len(made) == 1
    assert cache.absent([A, B]) == [1]
    (path,) = files(tmp_path / "c", "records")
    assert cache.size_bytes() == path.stat().st_size


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
    got = ImageCache(folder, 1).get(A, lambda: _slow_image(marks))
    np.testing.assert_array_equal(got, image())


def test_several_jobs_make_an_image_once(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=_get, args=(tmp_path / "c", marks)) for _ in range(8)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 8
    assert len(list(marks.iterdir())) == 1


def test_what_another_job_makes_is_not_waited_for(tmp_path: Path) -> None:
    cache, other = ImageCache(tmp_path, 1), ImageCache(tmp_path, 1)
    filled = []

    def make() -> np.ndarray:
        filled.append(other.fill(A, image))
        filled.append(other.fill(B, image))
        return image()

    cache.get(A, make)
    assert filled == [False, True]
    assert cache.absent([A, B]) == []


def test_a_damaged_image_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = np.random.default_rng(1).normal(size=(3, 60, 70)).astype(np.float32)
    ImageCache(tmp_path, max_gb=1).get(A, lambda: expected)
    (path,) = files(tmp_path, "records")
    content = bytearray(path.read_bytes())
    content[1000] ^= 4
    path.write_bytes(content)
    cache = ImageCache(tmp_path, max_gb=1)
    np.testing.assert_array_equal(cache.get(A, lambda: expected), expected)
    (message,) = caplog.messages
    assert message == f"{path}: damaged at byte 0 (its checksum does not fit); made again."

    def fail() -> np.ndarray:
        raise AssertionError("stored already")

    for reader in (cache, ImageCache(tmp_path, max_gb=1)):
        np.testing.assert_array_equal(reader.get(A, fail), expected)
    assert len(caplog.messages) == 1


def test_a_shard_of_another_version_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ImageCache(tmp_path, max_gb=1).get(A, image)
    (path,) = files(tmp_path, "index")
    path.write_bytes(path.read_bytes().replace(b"shard 0", b"shard 9", 1))
    cache = ImageCache(tmp_path, max_gb=1)
    assert cache.absent([A]) == [0]
    assert f"{path}: begins with b'roilab shard 91" in caplog.text
    np.testing.assert_array_equal(cache.get(A, image), image())
    assert cache.absent([A]) == []


def test_bound_evicts_what_no_one_uses(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    noise = np.random.default_rng(1).normal(size=(2, 10, 10)).astype(np.float32)
    limit = 3.5 * len(encode_image(noise)) / 1e9

    def stored(*keys: str) -> list[bool]:
        absent = ImageCache(tmp_path, limit).absent(keys)
        return [number not in absent for number in range(len(keys))]

    for key, age in ((A, 300), (B, 200)):
        before = set(files(tmp_path, "records"))
        ImageCache(tmp_path, limit).get(key, lambda: noise)
        (path,) = set(files(tmp_path, "records")) - before
        os.utime(path, (time.time() - age,) * 2)
    cache = ImageCache(tmp_path, limit)
    cache.get(C, lambda: noise)
    assert stored(A, B, C) == [True, True, True]
    cache.get(D, lambda: noise)
    assert stored(A, B, C, D) == [False, True, True, True]
    cache.get(A, lambda: noise)
    assert stored(A, B, C, D) == [True, False, True, True]
    assert not caplog.text
    # All three are in use now: further images are handed out but not kept.
    np.testing.assert_array_equal(cache.get(B, lambda: noise), noise)
    assert "limit of 0.0 GB is reached" in caplog.text
    assert stored(A, B, C, D) == [True, False, True, True]


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "c", max_gb=1)

    def make() -> np.ndarray:
        shutil.rmtree(tmp_path / "c")
        return image()

    cache.get(A, image)
    np.testing.assert_array_equal(cache.get(B, make), image())
    assert ImageCache(tmp_path / "c", 1).absent([A, B]) == [0]


def test_errors_of_the_frames_are_not_those_of_the_cache(tmp_path: Path) -> None:
    def make() -> np.ndarray:
        raise FileNotFoundError("g4-rec-0.h5")

    with pytest.raises(FileNotFoundError, match="g4-rec"):
        ImageCache(tmp_path, max_gb=1).get(A, make)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(code, "No space left on device")

    monkeypatch.setattr("roilab.data.shards.append_entry", full)
    with pytest.raises(CacheError, match=r"no space is left\. Free space.*data\.cache=null"):
        ImageCache(tmp_path, 1).get(A, image)
    assert not files(tmp_path, "records")
    assert not files(tmp_path, "index")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"data\.cache\.dir=FOLDER"):
        ImageCache(tmp_path / "file" / "c", 1).get(A, image)
