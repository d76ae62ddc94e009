"""Shards: records that several jobs write and read, in a folder of bounded size."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from roilab.data.shard_index import MAGIC
from roilab.data.shards import DamagedRecordError, Shards


def key(number: int) -> bytes:
    return number.to_bytes(16, "little")


def record(number: int) -> bytes:
    return np.random.default_rng(number).bytes(100 + number)


def opened(folder: Path, max_bytes: float = 1e9) -> Shards:
    shards = Shards(folder, max_bytes)
    shards.refresh()
    return shards


def read(shards: Shards, number: int) -> bytes | None:
    """Return a record, ``None`` also where it is damaged."""
    try:
        found = shards.read(key(number))
    except DamagedRecordError:
        return None
    return None if found is None else found.tobytes()


def only(folder: Path, suffix: str) -> Path:
    (path,) = folder.glob(f"*.{suffix}")
    return path


def test_reads_back_what_another_job_wrote(tmp_path: Path) -> None:
    writer, reader = opened(tmp_path / "new"), opened(tmp_path / "new")
    for number in range(5):
        assert writer.write(key(number), record(number))
    assert read(reader, 3) is None
    reader.refresh()
    assert len(reader) == len(writer) == 5
    assert [read(reader, n) for n in range(5)] == [record(n) for n in range(5)]
    assert read(opened(tmp_path / "new"), 4) == read(writer, 4) == record(4)
    assert read(writer, 7) is None
    assert len(list((tmp_path / "new").glob("*.records"))) == 1


def test_jobs_write_side_by_side(tmp_path: Path) -> None:
    jobs = [opened(tmp_path) for _ in range(4)]

    def fill(job: int) -> None:
        for number in range(job * 50, job * 50 + 50):
            jobs[job].write(key(number), record(number))

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(4)))
    found = opened(tmp_path)
    assert len(found) == 200
    assert all(read(found, n) == record(n) for n in range(200))


@pytest.mark.parametrize("suffix", ["records", "index"])
def test_a_flipped_bit_anywhere_is_found(tmp_path: Path, suffix: str) -> None:
    shards = opened(tmp_path)
    for number in range(3):
        shards.write(key(number), record(number))
    path = only(tmp_path, suffix)
    original = path.read_bytes()
    begin = len(MAGIC) if suffix == "index" else 0
    for position in range(begin, len(original), 3):
        damaged = bytearray(original)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        found = opened(tmp_path)
        contents = [read(found, n) for n in range(3)]
        assert all(content in (None, record(n)) for n, content in enumerate(contents))
        assert contents.count(None) == 1, position


def test_a_shard_that_was_cut_short(tmp_path: Path) -> None:
    shards = opened(tmp_path)
    for number in range(3):
        shards.write(key(number), record(number))
    path = only(tmp_path, "records")
    os.truncate(path, path.stat().st_size - 1)
    found = opened(tmp_path)
    with pytest.raises(DamagedRecordError, match=rf"{path.name}: damaged at byte 201"):
        found.read(key(2))
    assert found.read(key(2)) is None
    assert found.write(key(2), record(2))
    # The damaged entry stays; another job finds the good one behind it.
    again = opened(tmp_path)
    assert [read(again, n) for n in range(3)] == [record(n) for n in range(3)]
    assert len(again) == 3


def test_a_killed_writer_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    opened(tmp_path).write(key(0), record(0))
    for suffix in ("records", "index"):
        with only(tmp_path, suffix).open("ab") as file:
            file.write(b"half a record or entry")
    shards = opened(tmp_path)
    assert shards.write(key(1), record(1))
    again = opened(tmp_path)
    assert [read(again, n) for n in (0, 1)] == [record(0), record(1)]
    assert len(again) == 2


@pytest.mark.parametrize("left", [b"", MAGIC[:5], MAGIC])
def test_a_writer_killed_at_its_first_record(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "a.records").write_bytes(record(0))
    (tmp_path / "a.index").write_bytes(left)
    assert len(opened(tmp_path)) == 0
    shards = opened(tmp_path)
    assert shards.write(key(1), record(1))
    assert read(opened(tmp_path), 1) == record(1)
    assert [path.name for path in tmp_path.glob("*.index")] == ["a.index"]


def test_zeros_that_a_crash_left_are_no_entry(tmp_path: Path) -> None:
    opened(tmp_path).write(key(1), record(1))
    with only(tmp_path, "index").open("ab") as file:
        file.write(bytes(96))
    shards = opened(tmp_path)
    assert len(shards) == 1
    assert read(shards, 1) == record(1)


def test_the_longest_unused_shards_make_room(tmp_path: Path) -> None:
    for number in range(7):  # one a shard
        opened(tmp_path, 18_000).write(key(number), bytes(2_300))
    names = {number: opened(tmp_path)._places[key(number)][0].shard for number in range(7)}
    for number, name in names.items():
        os.utime(tmp_path / f"{name}.records", (number, number))
    shards = opened(tmp_path, 18_000)
    assert read(shards, 0) == bytes(2_300)  # now in use
    assert shards.write(key(9), bytes(2_300))
    assert shards.size_bytes() <= 18_000
    assert [key(n) in shards for n in (0, 1, 2)] == [True, False, True]
    assert read(shards, 1) is None
    assert not list(tmp_path.rglob(f"{names[1]}.*"))


def test_a_shard_in_use_for_long_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = opened(tmp_path, 3_000)
    user.write(key(0), bytes(2_000))
    read(user, 0)
    os.utime(only(tmp_path, "records"), (1, 1))
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    other = opened(tmp_path, 3_000)
    read(user, 0)
    assert not other.write(key(1), bytes(2_000))
    assert read(user, 0) == bytes(2_000)


def test_no_room_is_no_error(tmp_path: Path) -> None:
    shards = opened(tmp_path, 3_000)
    assert shards.write(key(0), bytes(2_000))
    assert not shards.write(key(1), bytes(2_000))
    assert read(shards, 0) == bytes(2_000)


def test_a_shard_of_another_format_is_named_and_left(tmp_path: Path) -> None:
    foreign = tmp_path / "a.index"
    foreign.write_bytes(b"roilab shard 99\n" + bytes(48))
    shards = opened(tmp_path)
    assert list(shards.foreign) == [foreign]
    assert shards.write(key(0), record(0))
    assert read(opened(tmp_path), 0) == record(0)
    assert foreign.read_bytes() == b"roilab shard 99\n" + bytes(48)


def test_a_folder_removed_in_between_is_made_again(tmp_path: Path) -> None:
    shards, other = (opened(tmp_path / "s") for _ in range(2))
    shards.write(key(0), record(0))
    other.refresh()
    shutil.rmtree(tmp_path / "s")
    assert read(shards, 0) is None
    assert shards.write(key(1), record(1))
    assert read(opened(tmp_path / "s"), 1) == record(1)
    # A job that knows the old shards takes no new one for them.
    assert read(other, 0) is None
    other.refresh()
    assert read(other, 1) == record(1)
