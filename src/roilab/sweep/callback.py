"""Start and end of a command or a sweep: take its folder first, print a summary at the end."""

import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any

from hydra.core.utils import configure_log
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from roilab.errors import Refused, RoilabError
from roilab.interruption import pass_on
from roilab.sweep.folder import Sweep, claim_folder
from roilab.sweep.launchers import check_plugin, limit_parallel_jobs, runs_side_by_side
from roilab.sweep.output_folder import (
    check_no_run,
    check_unused,
    claim_run_folder,
    claim_sweep_folder,
)
from roilab.sweep.side_by_side import end_together
from roilab.sweep.submit import Submitted, check_no_submit, read_batch, submit_sweep
from roilab.sweep.summary import print_summary

# Hydra makes the callback itself, and does not call it at the end of a sweep that failed or was
# interrupted. So the callback hands the sweep to ``with_summary`` here, for one call of it.
_sweep: ContextVar[Sweep | None] = ContextVar("sweep", default=None)


class ClaimFolder(Callback):
    """Take the output folder of a command before Hydra writes into it."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse the run if the folder cannot be used."""
        try:
            folder = claim_run_folder(config)
            if folder is not None:
                self.check(folder, config)
        except RoilabError as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """The same for the folder of a sweep."""
        try:
            claim_sweep_folder(config)
        except RoilabError as error:
            raise Refused(error) from error

    def check(self, folder: Path, config: DictConfig) -> None:
        """Check what the folder holds."""
        check_no_run(folder)


class ClaimRun(ClaimFolder):
    """The same for a training."""

    def check(self, folder: Path, config: DictConfig) -> None:
        """Check that the folder holds no other run."""
        check_no_submit(config)
        check_unused(folder, config.resume)


class ClaimSweep(Callback):
    """Check a sweep before its first job and take its folder."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a sweep that cannot run."""
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        try:
            check_plugin(config.hydra.launcher._target_)
            batch = read_batch(config)
            sweep = claim_folder(config)
            if batch is not None:
                try:
                    submit_sweep(config, batch, sweep)
                finally:
                    sweep.lock.release()
                raise Submitted
            _sweep.set(sweep)
            limit_parallel_jobs(config)
            if runs_side_by_side(config):
                pass_on(end_together(sweep, config.grace_s))
        except (RoilabError, HydraException) as error:
            raise Refused(error) from error


def with_summary(main: Callable[[], None]) -> Callable[[], None]:
    """Print a summary at the end of a command that ran a sweep; exit 1 if it is incomplete."""

    @wraps(main)
    def run() -> None:
        token = _sweep.set(None)
        try:
            main()
        finally:
            sweep, complete = _sweep.get(), True
            _sweep.reset(token)
            if sweep is not None:
                try:
                    complete = print_summary(sweep)
                finally:
                    sweep.lock.release()
        if not complete:
            sys.exit(1)

    return run
