"""``python -m roilab.sweep FOLDER JOB``: one job of a sweep, as a batch system starts it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from roilab.notebook.compose import hydra_on_conf
from roilab.plain_command import run_command
from roilab.sweep.one_job import OneJob


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job of a sweep; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roilab.sweep", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="of the sweep")
    parser.add_argument("job", metavar="JOB", help="name of the job's folder, such as rebin-4")
    parser.add_argument("--config-dir", type=Path, metavar="DIR", help="as of roilab train")
    parser.add_argument("--dry-run", action="store_true", help="check the job, write nothing")
    options = parser.parse_args(arguments)
    search = []
    if options.config_dir is not None:
        search = [f"hydra.searchpath=['file://{options.config_dir.expanduser().absolute()}']"]

    def run() -> int:
        with hydra_on_conf():
            job = OneJob.of(options.folder, options.job, search)
            if options.dry_run:
                job.dry_run()
            else:
                job.run()
        return 0

    return run_command(run)


if __name__ == "__main__":
    sys.exit(main())
