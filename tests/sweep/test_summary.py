"""The table at the end of a sweep, and its page."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from roilab.sweep.folder import Sweep
from roilab.sweep.summary import print_summary
from run_folders import write_run


def test_verdicts_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = {"rebin-4": ("better", "Better at 80."), "rebin-10": ("worse", "Worse at 0.")}
    for name, (kind, sentence) in verdicts.items():
        write_run(tmp_path / name, [0.5], {})
        path = tmp_path / name / "status.json"
        status = json.loads(path.read_text())
        status["results"]["verdict"] = {"kind": kind, "sentence": sentence}
        path.write_text(json.dumps(status))
    write_run(tmp_path / "older", [0.5], {})  # without a verdict
    jobs = [*verdicts, "older"]
    assert print_summary(Sweep(tmp_path, jobs, FileLock(tmp_path / "lock")))
    lines = capsys.readouterr().out.splitlines()
    for name, kind in (("rebin-4", "better"), ("rebin-10", "worse")):
        (line,) = (line for line in lines if name in line and "finished" in line)
        assert kind in line
    # These jobs have no table of charge metrics, so the page cannot compare them with gauss.
    assert any(line.startswith("Not known which one is better than gauss") for line in lines)
    assert f"page on this sweep: {tmp_path / 'report.html'}" in lines
    assert (tmp_path / "report.html").is_file()


def test_no_page_where_none_is_wanted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a", [0.5], {})
    print_summary(Sweep(tmp_path, ["a"], FileLock(tmp_path / "lock"), report=False))
    assert "page on" not in capsys.readouterr().out
    assert not (tmp_path / "report.html").exists()
