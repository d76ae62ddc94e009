"""``python -m roilab.wirecell FOLDER``: write the job that makes frames with the toolkit."""

import argparse
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from roilab.atomic_write import write_text
from roilab.console import text_console
from roilab.errors import RoilabError
from roilab.plain_command import run_command

_JOB = "frames.jsonnet"
_USE = """\
job        {path}
roilab simulate output=depos simulation=cosmic output_dir=depos
wire-cell -l stdout -A depos=depos/depos-0.npz -A detector=pdhd --tla-code 'anodes=[1]' {path}"""


class JobError(RoilabError):
    """The job cannot be written."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the job, print how to use it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roilab.wirecell", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=f"folder for {_JOB}")
    options = parser.parse_args(arguments)

    def write() -> int:
        path = options.folder / _JOB
        text = (files("roilab.wirecell") / _JOB).read_text()
        if path.exists() and path.read_text() != text:
            raise JobError(
                f"{path}: exists already and differs; nothing is overwritten. Name another folder, "
                "or remove it."
            )
        write_text(path, text)
        text_console().print(_USE.format(path=path))
        return 0

    return run_command(write)


if __name__ == "__main__":
    sys.exit(main())
