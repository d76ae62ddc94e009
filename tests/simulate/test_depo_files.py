"""Depositions written as input of the toolkit."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from roilab.simulate.depo_files import depo_arrays
from roilab.simulate.depositions import Depositions


def test_arrays_by_hand() -> None:
    position = np.array([[1.0, 2, 3], [4, 5, 6]])
    made = Depositions(position, np.array([20.0, 10]), np.array([500.0, 7]))
    data, info = depo_arrays(made)
    # Time, charge, x, y, z, widths; in order of time.
    assert data.tolist() == [[10, -7, 4, 5, 6, 0, 0], [20, -500, 1, 2, 3, 0, 0]]
    assert info.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0]]  # number, particle, generation, next
    assert (data.dtype, info.dtype) == (np.float32, np.int32)


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> None:
    from roilab.simulate.__main__ import main

    arguments = ["simulation=demo", "simulation.events=3", "simulation.events_per_file=2"]
    monkeypatch.setattr(sys, "argv", ["simulate", f"output_dir={folder}", *arguments, *more])
    main()


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sample"
    more = ["output=depos", "simulation.first_event=5"]
    run(monkeypatch, folder, *more)
    files = sorted(path.name for path in folder.glob("depos-*"))
    assert files == ["depos-0.npz", "depos-1.npz"]
    first, second = (np.load(folder / name) for name in files)
    # The toolkit reads the members of an event one after the other.
    assert first.files == ["depo_data_5", "depo_info_5", "depo_data_6", "depo_info_6"]
    assert second.files == ["depo_data_7", "depo_info_7"]
    meta = json.loads((folder / "meta.json").read_text())
    assert [event["depos"] for event in meta["events"]] == [*["depos-0.npz"] * 2, "depos-1.npz"]
    assert "rec" not in meta["events"][0]
    total = -float(first["depo_data_5"][:, 1].sum(dtype=np.float64))
    assert total == pytest.approx(meta["events"][0]["nelectrons"], rel=1e-5)
    changed = (folder / "depos-0.npz").stat().st_mtime_ns
    run(monkeypatch, folder, *more)  # complete
    assert (folder / "depos-0.npz").stat().st_mtime_ns == changed
    with pytest.raises(SystemExit):
        run(monkeypatch, folder, "simulation.first_event=5")
    assert "holds a sample of another configuration (output:" in capsys.readouterr().err
