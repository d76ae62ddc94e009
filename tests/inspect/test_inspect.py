"""Output of python -m roilab.inspect for files and pairs."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from roilab.frames import FrameWriter
from roilab.inspect.__main__ import main
from roilab.simulate.depo_files import depo_arrays
from roilab.simulate.depositions import Depositions
from tiny_frames import START_NS, TICK_NS


def test_a_pair_that_fits(frames_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(frames_dir / f"g4-{kind}-0.h5") for kind in ("rec", "tru")]
    assert main(files) == 0
    out = capsys.readouterr().out
    assert "all tags on one grid" in out
    assert "start [us] ┃ tick [ns]" in out
    row = next(line for line in out.splitlines() if "loose_lf1" in line)
    for text in ("160", "480", "160-319", "-250.000", "500", "float32", "100.00 %"):
        assert text in row


def test_what_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FrameWriter(tmp_path / "a-rec.h5") as rec:
        rec.add(100, "loose_lf1", np.ones((4, 50)), [1, 2, 3, 4], START_NS, TICK_NS)
        rec.add(100, "mp3_roi1", np.ones((1, 50)), [2], START_NS, TICK_NS)
    with FrameWriter(tmp_path / "a-tru.h5") as tru:
        start = START_NS - 7.25 * TICK_NS
        tru.add(0, "ductor1", np.ones((3, 60)), [2, 3, 9], start, TICK_NS)
    assert main([str(tmp_path / "a-rec.h5"), str(tmp_path / "a-tru.h5"), "--quick"]) == 0
    out = capsys.readouterr().out
    for text in (
        "event ids: rec is +100 against tru",
        "event 100: mp3_roi1 against loose_lf1: 3 channels absent",
        "ductor1 (truth) against loose_lf1: 2 channels absent (taken as zero); 1 more channels; "
        "starts 7.25 ticks earlier (shifted); lies -0.25 of a tick off the grid (rounded); "
        "60 ticks, not 50",
    ):
        assert text in out


def test_other_events_and_other_ticks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, events, tick in (("rec", (1, 2), 500.0), ("tru", (1, 5), 512.0)):
        with FrameWriter(tmp_path / f"{name}.h5") as writer:
            for event in events:
                writer.add(event, "x1", np.ones((1, 5)), [2], START_NS, tick)
    assert main([str(tmp_path / "rec.h5"), str(tmp_path / "tru.h5")]) == 1
    assert "events [1, 2] against [1, 5]" in capsys.readouterr().out
    (tmp_path / "tru.h5").unlink()
    with FrameWriter(tmp_path / "tru.h5") as writer:
        for event in (1, 2):
            writer.add(event, "x1", np.ones((1, 5)), [2], START_NS, 512.0)
    assert main([str(tmp_path / "rec.h5"), str(tmp_path / "tru.h5")]) == 1
    assert "ticks of 512 ns, not 500 ns" in capsys.readouterr().out


def test_bad_charge_and_foreign_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FrameWriter(tmp_path / "f.npz") as writer:
        writer.add(1, "x1", np.array([[np.nan, 1, 0, 0]], np.float32), [2], 0.0, 500.0)
    assert main([str(tmp_path / "f.npz")]) == 1
    assert "50.00 %" in capsys.readouterr().out
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    assert main([str(tmp_path / "empty.h5")]) == 1
    assert "empty.h5: holds no event" in capsys.readouterr().err
    (tmp_path / "text.h5").write_text("text")
    assert main([str(tmp_path / "text.h5")]) == 1
    assert "cannot be opened as HDF5" in capsys.readouterr().err


def test_depositions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The archive that ``roilab simulate output=depos`` writes."""
    depositions = Depositions(
        position=np.array([[10.0, 20.0, 30.0], [-10.0, 25.0, 40.0]]),
        time_ns=np.array([2000.0, 500.0]),
        electrons=np.array([1500.0, 2500.0]),
    )
    path, none = tmp_path / "depos-0.npz", np.zeros((0, 7), np.float32)
    data, info = depo_arrays(depositions)
    np.savez(path, depo_data_7=data, depo_info_7=info, depo_data_3=none, depo_info_3=none)
    assert main([str(path)]) == 0
    out = capsys.readouterr().out
    assert "time [us]" in out
    rows = [line.split("│")[1:-1] for line in out.splitlines() if "│" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["3", "0", "0", "-", "-", "-", "-"],
        ["7", "2", "4e+03", "0.5 to 2.0", "-1.0 to 1.0", "2.0 to 2.5", "3.0 to 4.0"],
    ]
    np.savez(path, depo_data_7=data[:, :5])
    assert main([str(path)]) == 1
    assert (
        "depo_data_7.npy has shape (2, 5) of float32; expected a row of 7"
        in capsys.readouterr().err
    )
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    assert main([str(path)]) == 1
    assert "cannot be read" in capsys.readouterr().err
    path.write_bytes(content[:150])
    assert main([str(path)]) == 1
    assert f"{path}: " in capsys.readouterr().err
