"""What an interrupted run keeps, and the command that goes on with it."""

import shlex
import sys
from pathlib import Path

# Arguments that the command that goes on gives anew.
_RENEWED = ("output_dir=", "resume=")


def describe_progress(run_dir: Path, sweep_job: bool) -> str:
    """Return one sentence on the checkpoint of an interrupted run, and how to go on.

    Args:
        run_dir: folder of the run.
        sweep_job: it is a job of a sweep, whose summary says how to go on.
    """
    last = run_dir / "checkpoints" / "last.ckpt"
    kept = f"kept: {last}." if last.is_file() else f"{run_dir}: nothing to resume from is kept."
    if sweep_job:
        return kept
    return f"{kept} To go on: {command_to_resume(run_dir, sys.argv)}"


def command_to_resume(run_dir: Path, argv: list[str]) -> str:
    """Return the command line ``argv`` with the arguments that resume the run in ``run_dir``."""
    program = argv[0] if argv[0].startswith("roilab ") else "python -m roilab.train"
    rest = [argument for argument in argv[1:] if not argument.startswith(_RENEWED)]
    return f"{program} {shlex.join([*rest, f'output_dir={run_dir}', 'resume=auto'])}"
