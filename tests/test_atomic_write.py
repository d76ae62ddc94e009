"""Files are complete or absent, also where no space is left and after a killed process."""

import errno
import os
from pathlib import Path

import pytest

from roilab.atomic_write import (
    DiskFullError,
    atomic_write,
    remove_leftovers,
    write_csv,
    write_json,
    write_text,
)


@pytest.fixture
def gone() -> int:
    """Number of a process that has ended."""
    pid = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(pid, 0)
    return pid


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_space_left(tmp_path: Path, code: int) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")

    def write() -> None:
        with atomic_write(path) as partial:
            partial.write_text("half")
            raise OSError(code, os.strerror(code))

    with pytest.raises(DiskFullError, match=r"a\.txt: cannot be written: no space is left"):
        write()
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_file_and_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        synced.append((Path(name).name, (tmp_path / "new" / "a.json").exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write_json(tmp_path / "new" / "a.json", 1)
    assert synced == [(f".a.{os.getpid()}.partial.json", False), ("new", True)]


def test_leftovers(tmp_path: Path, gone: int) -> None:
    running = os.getppid()
    names = [
        f".model.{gone}.partial.ts",
        f".a.b.{gone}.partial.csv",
        f".model.{running}.partial.ts",
    ]
    others = [".hidden", f"model.{gone}.partial.ts", ".partial", "model.ts"]
    for name in [*names, *others]:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, "model.*")
    assert {path.name for path in tmp_path.iterdir()} == {*names[1:], *others}
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {names[2], *others}
    remove_leftovers(tmp_path / "absent")


def test_csv_cells(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [{"a": 1.5, "b": float("nan")}, {"c": "x,y"}])
    assert (tmp_path / "a.csv").read_text() == 'a,b,c\n1.5,,\n,,"x,y"\n'
