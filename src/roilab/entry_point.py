"""Entry points of the commands: help, hints on mistyped keys, and errors in one sentence.

Nothing here imports torch or lightning, so that ``--help`` is quick.
"""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import roilab.sweep.names  # noqa: F401 (registers the resolvers that conf/ uses)
from roilab.closed_pipe import reader_may_leave
from roilab.command_line.arguments import expand_home, split
from roilab.command_line.help_page import help_page
from roilab.command_line.keys import config_dir
from roilab.command_line.mistakes import CommandLineError, check_arguments
from roilab.command_line.paths import expand_paths
from roilab.config import check_config
from roilab.errors import Refused, RoilabError, message, user_error
from roilab.faults import explain_faults
from roilab.interruption import interruptible, works_for_another
from roilab.sweep.earlier_run import earlier_run_kept
from roilab.sweep.output_folder import claims_released

__all__ = ["config_dir", "entry_point"]

_LESS_MEMORY = (
    "Choose fewer or smaller images (a larger rebin), a smaller network, device=cpu instead of a "
    "GPU, or a machine with more memory."
)
Task = Callable[[DictConfig], float | None]

# ${count:${data.layers}} in conf/: the length of a list.
OmegaConf.register_new_resolver("count", len, replace=True)


def entry_point(config_name: str) -> Callable[[Task], Callable[[], None]]:
    """Make a command of a function that takes the configuration composed from ``config_name``.

    Of a ``RoilabError`` only the text is printed, without Hydra's list of overrides; with
    ``HYDRA_FULL_ERROR=1`` the traceback too. The exit code of an error is not 0; that of a signal
    is 128 + its number.
    """

    def decorate(task: Task) -> Callable[[], None]:
        run_hydra: Callable[[], None] = hydra.main(
            version_base="1.3", config_path=str(config_dir()), config_name=config_name
        )(_checked(task, config_name))

        @wraps(task)
        def main() -> None:
            # Hydra reads sys.argv.
            sys.argv[1:] = expand_home(sys.argv[1:])
            if not _show_help(config_name):
                # Composing makes many objects and little garbage; searches for it take a quarter
                # of the time. The task enables them again.
                gc.disable()
                try:
                    with interruptible(), claims_released(), earlier_run_kept():
                        run_hydra()
                except Refused as end:
                    print(end.error, file=sys.stderr)
                    raise
                finally:
                    gc.enable()

        return main

    return decorate


def _checked(task: Task, config_name: str) -> Task:
    """Return the task with a check of its configuration before, and errors in one sentence."""

    @wraps(task)
    def run(config: DictConfig) -> float | None:
        gc.enable()
        try:
            expand_paths(config)
            check_config(config, config_name)
            # Some launchers run a job in another process.
            with (
                interruptible(quiet=works_for_another()),
                explain_faults(_LESS_MEMORY),
                reader_may_leave(),
            ):
                return task(config)
        except (RoilabError, InstantiationException, CompactHydraException) as error:
            compact = isinstance(error, CompactHydraException)
            hidden = not compact and user_error(error) is None
            if hidden or os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            text = str(error) if compact else message(error)
            if HydraConfig.get().mode == RunMode.RUN:
                raise Refused(RoilabError(text)) from error
            # A job of a sweep; the only exception that Hydra prints without a traceback.
            raise CompactHydraException(text) from error

    return run


def _show_help(config_name: str) -> bool:
    """Print help if it is asked for; exit with a sentence if an argument is mistyped."""
    arguments = split(sys.argv[1:])
    program = sys.argv[0] if sys.argv[0].startswith("roilab ") else f"roilab {config_name}"
    if "--help" in arguments.options:
        with reader_may_leave():
            print(help_page(config_name, program, arguments))
        return True
    if not {"--hydra-help", "--version"} & set(arguments.options):
        folder = arguments.options.get("--config-dir") or None
        try:
            check_arguments(config_name, arguments, partial(_composes, config_name, folder))
        except CommandLineError as error:
            if os.environ.get("HYDRA_FULL_ERROR") == "1":
                raise
            print(error, file=sys.stderr)
            sys.exit(1)
    return False


def _composes(config_name: str, folder: str | None, overrides: Sequence[str]) -> bool:
    """Return whether Hydra composes a command with these overrides, of a sweep the first values."""
    search = [f"hydra.searchpath=[file://{Path(folder).absolute()}]"] if folder else []
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            compose(config_name, [*overrides, *search])
    except (HydraException, OmegaConfBaseException):
        return False
    return True
