"""Faults of the data, the numbers and the machine during a training."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

from finding import TRAINING, Finding, make_sample, run, start
from strangers import TESTS

_SECONDS = 120  # to wait for a data loader's process


def machine_faults(top: Path) -> Finding:
    """Try a NaN loss, a killed process that loads data, and an event that cannot be read."""
    frames = make_sample(top / "frames")
    training = (*TRAINING, "trainer.max_epochs=2", "data.cache=null")
    good = (*training, f"data.dir={frames}")
    damaged = _damage(frames, top / "damaged")
    bad = (*training, f"data.dir={damaged}")
    tries = {
        "NaN loss": lambda: _nan_loss(good, top / "nan"),
        "NaN in every validation": lambda: _nan_validation(good, top / "val"),
        "a killed process that loads data": lambda: _killed_worker(good, top / "killed"),
        "an event that cannot be read": lambda: _bad_event(bad, top / "stop"),
        "the same with data.on_error=skip": lambda: _skipped_event(bad, top / "skip"),
    }
    faults = {name: attempt() for name, attempt in tries.items()}
    kept = sum(not found for found in faults.values())
    texts = [f"{name}: {text}" for name, found in faults.items() for text in found]
    outcome = f"{kept} of {len(tries)} end with one message, or go on with a warning, as documented"
    return Finding(", ".join(tries), outcome, texts)


def _faults(code: int, errors: str, expected: int, *texts: str) -> list[str]:
    found = [] if code == expected else [f"exit code {code}, expected {expected}"]
    found += ["a traceback"] * ("Traceback" in errors)
    found += [f"'{text}' is not in the message" for text in texts if text not in errors]
    return [f"{fault}. {errors[-500:]}" for fault in found]


def _nan_loss(training: tuple[str, ...], to: Path) -> list[str]:
    code, errors = run("train", *training, "optimizer.lr=1e30", f"output_dir={to}")
    return _faults(code, errors, 1, "loss")


def _nan_validation(training: tuple[str, ...], to: Path) -> list[str]:
    loss = ("~loss", "+loss._target_=known_losses.NanInValidation", "+loss.count=99")
    code, errors = run("train", *training, *loss, f"output_dir={to}", PYTHONPATH=_with_tests())
    faults = _faults(code, errors, 0, "the network returns NaN")
    if list((to / "checkpoints").glob("best*")):
        faults.append("a checkpoint of NaN is the best")
    return faults


def _with_tests() -> str:
    return os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))


def _killed_worker(training: tuple[str, ...], to: Path) -> list[str]:
    endless = ("trainer.max_epochs=10000", "data.num_workers=1")
    process = start("train", *training, *endless, f"output_dir={to}")
    end = time.monotonic() + _SECONDS
    while not (to / "checkpoints" / "last.ckpt").is_file() and time.monotonic() < end:
        time.sleep(0.1)  # until the training runs
    for pid in _loaders(process.pid):
        os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate()
    return _faults(process.returncode, errors, 1, "A process that loads batches ended")


def _loaders(pid: int) -> list[int]:
    """Return the processes that a training has forked."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    mine = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [int(n) for n in children if Path(f"/proc/{n}/cmdline").read_bytes() == mine]


def _damage(frames: Path, folder: Path) -> Path:
    """Copy a sample with one file cut short."""
    shutil.copytree(frames, folder)
    path = folder / "g4-rec-2.h5"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return folder


def _bad_event(training: tuple[str, ...], to: Path) -> list[str]:
    code, errors = run("train", *training, f"output_dir={to}")
    return _faults(code, errors, 1, "g4-rec-2.h5")


def _skipped_event(training: tuple[str, ...], to: Path) -> list[str]:
    code, errors = run("train", *training, "data.on_error=skip", f"output_dir={to}")
    faults = _faults(code, errors, 0, "g4-rec-2.h5", "left out")
    status = to / "status.json"
    left_out = json.loads(status.read_text())["results"]["left_out"] if status.is_file() else {}
    if len(left_out) != 1:
        faults.append(f"the status lists {list(left_out)}, expected one file")
    return faults
