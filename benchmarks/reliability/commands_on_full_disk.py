"""Run the commands on a small file system that becomes full at different moments."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from finding import SIMULATION, Finding, partial_files, run, run_well
from inputs import Inputs, make_inputs

FRACTIONS = (0.03, 0.6)  # of the space that the command needs
_MEGABYTES = 64  # of the file system
_EARLIER = b"earlier" * 1000
_REPORTED = ("csv", ".hydra", "status.json")


@dataclass(frozen=True)
class Case:
    """A command that writes into ``{to}``.

    Attributes:
        verb: of the command.
        arguments: with ``{to}`` for the folder it writes into.
        copied: folder whose files are there before.
    """

    verb: str
    arguments: tuple[str, ...]
    copied: Path | None = None

    def run(self, to: Path) -> tuple[int, str]:
        """Run the command to its end; return exit code and standard error."""
        return run(self.verb, *(text.replace("{to}", str(to)) for text in self.arguments))


def cases(inputs: Inputs) -> dict[str, Case]:
    """Return the commands by name."""
    output, uncached = "output_dir={to}", "data.cache=null"
    found = {
        f"simulate {container}": Case(
            "simulate", (*SIMULATION, f"simulation.containers=[{container}]", output)
        )
        for container in ("h5", "npz", "tar.gz")
    }
    found["train"] = Case("train", (*inputs.training, output, uncached, "resume=auto"))
    cache = ("data.cache.dir={to}", f"output_dir={inputs.run}-cached", "resume=auto")
    found["train, cache"] = Case("train", (*inputs.training, *cache))
    for verb, arguments in inputs.verbs().items():
        found[verb] = Case(verb, (*arguments, output))
    found["report"] = Case("report", ("{to}",), inputs.run)
    return found


def full_disk(top: Path, fractions: tuple[float, ...] = FRACTIONS) -> Finding:
    """Run all commands on a file system with a part of the space that they need."""
    tried = "commands on a file system that becomes full"
    if not can_mount(top):
        return Finding(tried, "not tried: no file system can be mounted here")
    faults, failed, names = [], 0, []
    for name, case in cases(make_inputs(top)).items():
        names.append(name)
        size = _size_without_limit(case, top / "free")
        for fraction in fractions:
            found, ended = try_case(case, top / "disk", int(fraction * size))
            failed += ended
            print(
                f"{name} with {fraction:g} of {size} bytes: {found or 'as promised'}",
                file=sys.stderr,
            )
            faults += [f"{name} with {fraction:g} of {size} bytes: {text}" for text in found]
    outcome = f"{failed} of {len(names) * len(fractions)} found no space and ended with one message"
    return Finding(f"{tried}: {', '.join(names)}", outcome, faults)


def try_case(case: Case, disk: Path, free: int) -> tuple[list[str], bool]:
    """Run a command with ``free`` bytes left, and again with enough space.

    Returns:
        What is not as promised, and whether the command failed.
    """
    with small_disk(disk):
        (disk / "earlier").write_bytes(_EARLIER)
        _copy(case, disk / "out")
        fill(disk, free)
        code, errors = case.run(disk / "out")
        faults = faults_of_full_disk(code, errors, disk)
        (disk / "fill").unlink()
        again, errors = case.run(disk / "out")
        if again:
            faults.append(f"with enough space again: {errors[-500:]}")
    return faults, code != 0


def faults_of_full_disk(code: int, errors: str, disk: Path) -> list[str]:
    """Return what is wrong with the end of a command that found no space, and what it left."""
    faults = []
    if code not in (0, 1):
        faults.append(f"exit code {code}. {errors[-300:]}")
    if "Traceback" in errors or "Logging error" in errors:
        faults.append(f"a traceback. {errors[-1500:]}")
    lines = [line for line in errors.splitlines() if "no space is left" in line]
    if code and not any(str(disk) in line for line in lines):
        faults.append(f"no message with a file. {errors[-500:]}")
    if (disk / "earlier").read_bytes() != _EARLIER:
        faults.append("an earlier file has changed")
    return faults + [f"half-written {path.name}" for path in partial_files(disk)]


def fill(disk: Path, free: int) -> None:
    """Fill a file system until ``free`` bytes are left."""
    state = os.statvfs(disk)
    with (disk / "fill").open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, state.f_bavail * state.f_frsize - free)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount an empty file system in memory."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(folder)],
        check=True,
        capture_output=True,
    )
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def can_mount(top: Path) -> bool:
    """Return whether this process may mount a file system."""
    try:
        with small_disk(top / "disk"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _size_without_limit(case: Case, folder: Path) -> int:
    """Run a command with enough space; return the size of what it writes [bytes]."""
    _copy(case, folder)
    before = _size(folder)
    run_well(case.verb, *(text.replace("{to}", str(folder)) for text in case.arguments))
    written = _size(folder) - before
    shutil.rmtree(folder)
    return written


def _size(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def _copy(case: Case, folder: Path) -> None:
    """Copy what the command reads beside its output."""
    if case.copied is None:
        return
    folder.mkdir()
    for name in _REPORTED:
        source = case.copied / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
