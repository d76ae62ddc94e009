"""What Hydra tells of a sweep: its start; and the report at its end."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from hydra.core.utils import configure_log
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from roilab.errors import RoilabError
from roilab.sweep.folder import Sweep, claim_folder
from roilab.sweep.launchers import check_plugin, set_side_by_side
from roilab.sweep.summary import print_summary

# Sweeps of this process that are not over: Hydra calls nobody at the end of one that failed.
_led: list[Sweep] = []


class ClaimSweep(Callback):
    """Checks a sweep before its first job, and takes its folder."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Stop, with a sentence, what cannot end well; Hydra would turn an error into a warning."""
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        try:
            check_plugin(config.hydra.launcher._target_)
            _led.append(claim_folder(config))
            set_side_by_side(config)
        except (RoilabError, HydraException) as error:
            print(error, file=sys.stderr)
            sys.exit(1)


def with_summary(main: Callable[[], None]) -> Callable[[], None]:
    """Let a Hydra application that led a sweep say at its end what came of it."""

    @wraps(main)
    def run() -> None:
        try:
            main()
        finally:
            whole = [_end(_led.pop()) for _ in range(len(_led))]
        if not all(whole):
            sys.exit(1)

    return run


def _end(sweep: Sweep) -> bool:
    try:
        return print_summary(sweep)
    finally:
        sweep.lock.release()
