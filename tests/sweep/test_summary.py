"""The table at the end of a sweep, and which job it recommends."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from roilab.sweep.folder import Sweep
from roilab.sweep.summary import choose_job, print_summary
from roilab.verdict import Kind, Verdict
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
    assert "take this one: rebin-4, because it alone is better. Better at 80." in lines


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ([], ""),
        ([Kind.BETTER], ""),  # nothing to choose from
        ([Kind.NO_SAMPLE, Kind.MARKS_NOTHING, Kind.BETTER], ""),
        ([Kind.EQUAL, Kind.MIXED], "take this one: job0, because it alone is equal. Why."),
        ([Kind.BETTER, Kind.WORSE, Kind.BETTER], "no job is the best: 2 are better: job0, job2"),
        ([Kind.WORSE, Kind.WORSE], "no job is the best: 2 are worse: job0, job1"),
    ],
)
def test_the_job_to_take(kinds: list[Kind], text: str) -> None:
    assert choose_job({f"job{n}": Verdict(kind, "Why.") for n, kind in enumerate(kinds)}) == text
