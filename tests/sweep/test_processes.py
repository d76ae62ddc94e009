"""DDP in a sweep, with two processes on the CPU."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning import Callback, LightningModule, Trainer

from curves import results_of
from physics_tables import assert_same, read_table
from roilab.atomic_write import write_json
from roilab.sweep.processes import find_cause
from roilab.sweep.status import read_status

# Where the processes find this module and what it imports.
HERE = os.pathsep.join(map(str, Path(__file__).parents[:2]))
# No batch norm: on the CPU it sees only the images of its process, and two processes would not
# compute the same as one.
NETWORK = """
net: {_target_: torch.nn.Conv2d, in_channels: 3, out_channels: 1, kernel_size: 3, padding: 1}
weights: null
mask_thresh: choose
channels_last: false
"""


class KillSecond(Callback):
    """Kill the second process of the job with seed 1, as a lack of memory would."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *arguments: Any
    ) -> None:
        if trainer.global_rank == 1 and pl_module.recipe["seed"] == 1:  # type: ignore[index,operator]
            os.kill(os.getpid(), signal.SIGKILL)


def report(folder: Path, rank: int, message: str, time: float) -> None:
    write_json(folder / f"error-{rank}.json", {"time": time, "message": message, "traceback": ""})


def test_the_cause_is_found_not_its_consequences(tmp_path: Path) -> None:
    """A killed process is the cause, whoever ended first; errors and aborts follow from it."""
    report(tmp_path, 0, "Connection reset by peer", 1.0)
    assert find_cause(tmp_path, [1, -signal.SIGKILL]).startswith("process 1 of 2 was ended by SIGK")
    assert find_cause(tmp_path, [1, -signal.SIGABRT]) == "Connection reset by peer"
    report(tmp_path, 1, "a file is missing", 0.5)
    assert find_cause(tmp_path, [1, 1]) == "a file is missing"
    assert find_cause(tmp_path / "empty", [None, -signal.SIGABRT]) == (
        "process 1 of 2 was ended by SIGABRT; the others were ended too."
    )
    assert "exit code 3 and no message" in find_cause(tmp_path / "empty", [3, None])


# A parent that starts a rank's watch and prints its process id.
PARENT = """
import os, subprocess, sys, time
os.environ["ROILAB_PARENT"] = str(os.getpid())
watch = "from roilab.sweep.rank import _end_with_parent; _end_with_parent()"
print(subprocess.Popen([sys.executable, "-c", watch]).pid, flush=True)
time.sleep(300)
"""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_ends_after_its_parent_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    end = time.monotonic() + 60
    while is_running(pid):
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.cli
def test_two_processes_in_a_sweep(
    run_train: Callable[..., None],
    light_arguments: list[str],
    user_conf: Path,
    tracks_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One job loses a process; the other gives what one process with the global batch gives."""
    (user_conf / "model" / "convolution.yaml").write_text(NETWORK)
    monkeypatch.setenv("PYTHONPATH", HERE, prepend=os.pathsep)
    arguments = [
        *(one for one in light_arguments if one != "callbacks.export=null"),
        *("model=convolution", "data.split_seed=1", f"data.samples=[{tracks_dir}]"),
        "data.test_files=[g4-rec-1.h5]",
    ]
    run_train(*arguments, "trainer=cpu", "data.batch_size=2", "seed=2")
    arguments = [one for one in arguments if not one.startswith("output_dir=")]
    sweep, alone = tmp_path / "sweep", tmp_path / "run"
    began = time.perf_counter()
    with pytest.raises(SystemExit):
        run_train(
            *("-m", *arguments, "trainer=ddp_cpu", "seed=1,2", f"sweep.dir={sweep}"),
            "+callbacks.kill._target_=test_processes.KillSecond",
        )
    assert time.perf_counter() - began < 240
    killed, complete = read_status(sweep / "seed-1"), read_status(sweep / "seed-2")
    assert killed is not None
    assert complete is not None
    assert killed.state == "failed"
    assert killed.error is not None
    assert "process 1 of 2 was ended by SIGKILL" in killed.error
    assert (complete.state, complete.processes) == ("finished", 2)
    assert "LOCAL_RANK" not in os.environ
    # One folder a job, one log in each, no other folder; one process exports.
    folders = {path.name for path in sweep.iterdir() if path.is_dir()}
    assert folders == {"seed-1", "seed-2"}
    assert not (tmp_path / "outputs").exists()
    assert len(list(sweep.glob("seed-2/**/metrics.csv"))) == 1
    assert (sweep / "seed-2" / "model.ts").is_file()
    one, two = results_of(alone / "csv"), results_of(sweep / "seed-2" / "csv")
    assert set(one) == set(two) >= {"train/loss", "val/loss", "test/loss"}
    for name, points in one.items():
        np.testing.assert_allclose(two[name], points, rtol=1e-5, err_msg=name)
    # Both processes scan a part of the images; the threshold is that of one process.
    before = read_status(alone)
    assert before is not None
    assert before.results is not None
    assert complete.results is not None
    ours, theirs = before.results.working_point, complete.results.working_point
    assert ours["mask_thresh"] == theirs["mask_thresh"]
    assert [row["images"] for row in ours["scan"]] == [row["images"] for row in theirs["scan"]]
    tables = [read_table(run / "physics" / "best.csv") for run in (alone, sweep / "seed-2")]
    assert {row["method"] for row in tables[0]} == {"dnn", "gauss", "ideal"}
    assert_same(*tables)


class TerminateParent(Callback):
    """Send SIGTERM to the process that started this one, once, in the second epoch."""

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_rank == 0 and (trainer.current_epoch, batch_idx) == (1, 0):
            os.kill(os.getppid(), signal.SIGTERM)
            time.sleep(1)  # the signal is passed on within this batch


@pytest.mark.slow
def test_a_signal_ends_all_processes_together(
    run_train: Callable[..., None],
    light_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both save the same batch; resumed, they end as without a signal."""
    monkeypatch.setenv("PYTHONPATH", HERE, prepend=os.pathsep)
    arguments = [*light_arguments, "trainer=ddp_cpu"]
    run_train(*arguments, f"output_dir={tmp_path / 'alone'}")
    with pytest.raises(SystemExit) as ended:
        run_train(*arguments, "+callbacks.end._target_=test_processes.TerminateParent")
    assert ended.value.code == 143
    run = tmp_path / "run"
    status = read_status(run)
    assert status is not None
    assert status.state == "interrupted"
    assert "saved epoch 1 after 1 of 2 batches" in (run / "train.log").read_text()
    run_train(*arguments, "resume=auto")
    np.testing.assert_equal(results_of(run / "csv"), results_of(tmp_path / "alone" / "csv"))
