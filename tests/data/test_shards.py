"""Shards: records that several jobs write and read, in a folder of bounded size."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from roilab.data.shards import ShardError, Shards


def key(number: int) -> bytes:
    return number.to_bytes(16, "little")


def record(number: int) -> bytes:
    return np.random.default_rng(number).bytes(100 + number)


def test_reads_back_what_another_job_wrote(tmp_path: Path) -> None:
    writer, reader = Shards(tmp_path / "new", 1e9), Shards(tmp_path / "new", 1e9)
    for number in range(5):
        assert writer.write(key(number), record(number))
    assert reader.read(key(3)) is None
    reader.refresh()
    assert len(reader) == 5
    assert [reader.read(key(n)) for n in range(5)] == [record(n) for n in range(5)]
    assert Shards(tmp_path / "new", 1e9).read(key(4)) == record(4)
    assert writer.read(key(7)) is None


def test_jobs_write_side_by_side(tmp_path: Path) -> None:
    jobs = [Shards(tmp_path, 1e9) for _ in range(4)]

    def fill(job: int) -> None:
        for number in range(job * 50, job * 50 + 50):
            jobs[job].write(key(number), record(number))

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(4)))
    found = Shards(tmp_path, 1e9)
    assert len(found) == 200
    assert all(found.read(key(n)) == record(n) for n in range(200))


@pytest.mark.parametrize("suffix", ["records", "index"])
def test_a_flipped_bit_anywhere_is_found(tmp_path: Path, suffix: str) -> None:
    shards = Shards(tmp_path, 1e9)
    for number in range(3):
        shards.write(key(number), record(number))
    path = tmp_path / f"000000.{suffix}"
    original = path.read_bytes()
    for position in range(16, len(original)):
        damaged = bytearray(original)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        found = Shards(tmp_path, 1e9)
        read = [found.read(key(n)) for n in range(3)]
        assert all(r in (None, record(n)) for n, r in enumerate(read))
        assert read.count(None) == 1, position
    path.write_bytes(original)


def test_a_killed_writer_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    Shards(tmp_path, 1e9).write(key(0), record(0))
    with (tmp_path / "000000.records").open("ab") as file:
        file.write(b"half a rec")
    with (tmp_path / "000000.index").open("ab") as file:
        file.write(b"half an en")
    shards = Shards(tmp_path, 1e9)
    assert shards.write(key(1), record(1))
    again = Shards(tmp_path, 1e9)
    assert [again.read(key(n)) for n in (0, 1)] == [record(0), record(1)]
    assert len(again) == 2


def test_the_longest_unused_shards_make_room(tmp_path: Path) -> None:
    for number in range(7):  # one a shard
        Shards(tmp_path, 18_000).write(key(number), bytes(2_300))
        os.utime(tmp_path / f"{number:06d}.records", (number, number))
    shards = Shards(tmp_path, 18_000)
    assert shards.read(key(0)) == bytes(2_300)  # now in use
    assert shards.write(key(9), bytes(2_300))
    assert shards.size_bytes() <= 18_000
    assert [key(n) in shards for n in (0, 1, 2)] == [True, False, True]
    assert shards.read(key(1)) is None


def test_no_room_is_no_error(tmp_path: Path) -> None:
    shards = Shards(tmp_path, 3_000)
    assert shards.write(key(0), bytes(2_000))
    assert not shards.write(key(1), bytes(2_000))
    assert shards.read(key(0)) == bytes(2_000)


def test_a_shard_of_another_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "000000.index").write_bytes(b"roilab shard 9\n\n" + bytes(40))
    with pytest.raises(ShardError, match=r"000000\.index: has another format"):
        Shards(tmp_path, 1e9)


def test_a_folder_removed_in_between_is_made_again(tmp_path: Path) -> None:
    shards = Shards(tmp_path / "s", 1e9)
    shards.write(key(0), record(0))
    for path in (tmp_path / "s").iterdir():
        path.unlink()
    (tmp_path / "s").rmdir()
    assert shards.read(key(0)) is None
    assert shards.write(key(1), record(1))
    assert Shards(tmp_path / "s", 1e9).read(key(1)) == record(1)
