"""A signal to a sweep whose jobs run side by side ends all of its processes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roilab.sweep.status import read_status

SECONDS = 200  # to wait for both jobs


def descendants(pid: int) -> list[int]:
    """Return the processes below one, by what Linux lists."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(number) for number in text.split()]
    return [*children, *(below for child in children for below in descendants(child))]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_all_processes_end(
    number: signal.Signals, sweep_arguments: list[str], tmp_path: Path
) -> None:
    """Three jobs, two at a time: both save their progress, the third does not begin."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs roilab[joblib]")
    sweep = tmp_path / "sweep"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "roilab.train", "-m", *sweep_arguments, "seed=1,2,3"),
            *("hydra/launcher=joblib", f"sweep.dir={sweep}", "trainer.max_epochs=100000"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    jobs = [sweep / f"seed-{seed}" for seed in (1, 2)]
    try:
        wait_for(lambda: all((job / "checkpoints" / "last.ckpt").is_file() for job in jobs))
        below = descendants(process.pid)
        assert len(below) >= 4  # two of joblib, two of the trainings
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)
        wait_for(lambda: not any(map(is_running, below)))
    finally:
        process.kill()
    if number == signal.SIGKILL:
        return
    assert process.returncode == 143
    assert "Traceback" not in errors
    assert errors.count("interrupted by") == 1
    statuses = [read_status(job) for job in jobs]
    assert [status and status.state for status in statuses] == ["interrupted", "interrupted"]
    assert all("saved epoch" in (job / "train.log").read_text() for job in jobs)
    assert not (sweep / "seed-3" / "status.json").exists()
