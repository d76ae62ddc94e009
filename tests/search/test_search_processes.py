"""Two processes work on one study; one of them is killed, and the other goes on with its trial."""

import csv
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roilab.sweep.status import read_status

pytest.importorskip("optuna", reason="needs roilab[search]")
SECONDS = 120


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.cli
def test_a_killed_process_loses_no_trial(sweep_arguments: list[str], tmp_path: Path) -> None:
    study = tmp_path / "study"
    command = [
        *(sys.executable, "-m", "roilab.search", *sweep_arguments, f"output_dir={study}"),
        *("search.space={optimizer.lr:{low:0.001,high:0.1,log:true}}", "search.trials=4"),
        *("trainer.max_epochs=8", "callbacks.early_stopping=null"),
    ]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=tmp_path, **pipes) for _ in range(2)]  # type: ignore[call-overload]

    def trial_of(pid: int) -> Path | None:
        for folder in sorted(study.glob("trial-*")):
            status = read_status(folder)
            if status is not None and (status.state, status.pid) == ("running", pid):
                return folder
        return None

    try:
        wait_for(lambda: trial_of(processes[0].pid))
        killed = trial_of(processes[0].pid)
        processes[0].send_signal(signal.SIGKILL)
        _, errors = processes[1].communicate(timeout=SECONDS)
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert processes[1].returncode == 0, errors
    assert killed is not None
    rows = list(csv.DictReader((study / "trials.csv").read_text().splitlines()))
    assert [row["state"] for row in rows] == ["complete"] * 4
    assert {row["folder"]: row["starts"] for row in rows}[killed.name] == "2"
    assert [row["killed"] for row in rows].count("1") == 1
    assert len({row["optimizer.lr"] for row in rows}) == 4
