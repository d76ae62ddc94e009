"""The file that the folder of a run or of an export stands for."""

import json
import os
from pathlib import Path

import pytest

from roilab.errors import RoilabError
from roilab.inference import network_file
from roilab.run_folder import run_checkpoint


def write(path: Path, seconds: int) -> Path:
    """Write an empty file that was changed at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (seconds, seconds))
    return path


def test_the_checkpoint_that_the_run_records(tmp_path: Path) -> None:
    best, later, last = (
        write(tmp_path / "checkpoints" / name, seconds)
        for name, seconds in (
            ("best-epoch001.ckpt", 1),
            ("best-epoch002.ckpt", 2),
            ("last.ckpt", 3),
        )
    )
    write(tmp_path / "model.ts", 4)
    assert network_file(tmp_path) == later
    status = tmp_path / "status.json"
    status.write_text(json.dumps({"results": {"checkpoint": "checkpoints/best-epoch001.ckpt"}}))
    assert network_file(tmp_path) == best
    best.unlink()
    assert network_file(tmp_path) == later
    for text in ("{", "[]", '{"results": null}', '{"results": {"checkpoint": 3}}'):
        status.write_text(text)
        assert network_file(tmp_path) == later
    later.unlink()
    assert network_file(tmp_path) == last
    last.unlink()
    assert run_checkpoint(tmp_path) is None
    assert network_file(tmp_path) == tmp_path / "model.ts"


def test_files_are_taken_as_they_are(tmp_path: Path) -> None:
    assert network_file(tmp_path / "absent.ckpt") == tmp_path / "absent.ckpt"


def test_folders_without_one_network(tmp_path: Path) -> None:
    with pytest.raises(RoilabError, match=r"holds no network; expected the folder of a run"):
        network_file(tmp_path)
    (tmp_path / "sweep.json").touch()
    with pytest.raises(RoilabError, match=r"is the folder of a sweep; name the folder of one of"):
        network_file(tmp_path)
    for name in ("b.ts", "a.ts"):
        (tmp_path / name).touch()
    with pytest.raises(RoilabError, match=r"several networks \(a.ts, b.ts\); name one"):
        network_file(tmp_path)
