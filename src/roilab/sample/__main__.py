"""``python -m roilab.sample FOLDER --pattern PATTERN``: write meta.json of files of known angle."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from roilab.console import text_console
from roilab.plain_command import run_command

_PATTERN = (
    "pattern of the names of the reconstruction files, such as '*_xz{theta_xz}_*.root'; * is any "
    "text, and these fields are numbers or a plane: {theta_xz}, {theta_y} [degrees], {plane} (u, v "
    "or w), {energy} [MeV] or {energy_GeV} of a shower"
)
_TRUTH = (
    "pattern of their truth files, with the same * and fields; without it: rec in a name becomes "
    "tru, and a file without such a truth file holds its truth itself"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write ``meta.json``, print what the sample holds, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roilab.sample", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the frame files")
    parser.add_argument("--pattern", required=True, metavar="PATTERN", help=_PATTERN)
    parser.add_argument("--truth", metavar="PATTERN", help=_TRUTH)
    parser.add_argument(
        "--plane", choices=("U", "V", "W"), help="plane of the angles, where no name has it"
    )
    options = parser.parse_args(arguments)

    def write() -> int:
        from roilab.sample.write import write_sample  # h5py takes time to import

        text = write_sample(options.folder, options.pattern, options.truth, options.plane)
        text_console().print(text)
        return 0

    return run_command(write)


if __name__ == "__main__":
    sys.exit(main())
