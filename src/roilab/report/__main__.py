"""``python -m roilab.report FOLDER...``: write HTML pages of runs and sweeps."""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from roilab.console import text_console
from roilab.plain_command import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, print the path of the main one, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roilab.report", description=__doc__)
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="folder of a run or of a sweep"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="folder for the page of several runs (default: the one FOLDER, or "
        "outputs/report/DATE/TIME for several)",
    )
    parser.add_argument(
        "--study",
        action="store_true",
        help="a page for a meeting: verdict and curves of every network, a table, commands",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(message)s")

    def write() -> int:
        page = _write_pages(options.folders, options.output, options.study)
        text_console().print(str(page))
        return 0

    return run_command(write)


def _write_pages(folders: Sequence[Path], output: Path | None, study: bool) -> Path:
    from roilab.report.find import ReportError, find_runs
    from roilab.report.run_page import try_write_run_page, write_run_page
    from roilab.report.study_page import write_study_page
    from roilab.report.summary_page import write_summary_page

    runs = find_runs(folders)
    single = len(folders) == 1 and runs[0].folder == folders[0].resolve() and output is None
    if study or not single:
        for run in runs:
            if run.state != "running" and run.folder.is_dir():
                try_write_run_page(run.folder)
    if output is None:
        now = f"{datetime.now():%Y-%m-%d/%H-%M-%S}"
        output = folders[0] if len(folders) == 1 else Path("outputs/report") / now
    try:
        if study:
            return write_study_page(runs, output)
        return write_run_page(output) if single else write_summary_page(runs, output)
    except OSError as error:
        raise ReportError(
            f"{output}: the page cannot be written there ({error.strerror}: {error.filename}); "
            "expected a folder that can be written to. Name one with --output."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
