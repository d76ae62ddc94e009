"""Entry points of the commands: find the configuration, and print errors in one sentence.

Nothing here imports torch or lightning, so that ``--help`` is quick.
"""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import hydra
from hydra.errors import CompactHydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf

import roilab.sweep.names  # noqa: F401 (registers the resolvers that conf/ uses)
from roilab.atomic_write import FULL
from roilab.errors import RoilabError, message, user_error

Task = Callable[[DictConfig], float | None]

# ${count:${data.layers}} in conf/: the length of a list.
OmegaConf.register_new_resolver("count", len, replace=True)


def config_dir() -> Path:
    """Return ``conf/``, which is in the installed package or at the top of a repository."""
    package = Path(__file__).parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parents[1] / "conf"


def entry_point(config_name: str) -> Callable[[Task], Callable[[], None]]:
    """Make a command of a function that takes the configuration composed from ``config_name``.

    Of a ``RoilabError`` only the text is printed; with ``HYDRA_FULL_ERROR=1`` the traceback too.
    The exit code of an error is not 0.
    """

    def decorate(task: Task) -> Callable[[], None]:
        @wraps(task)
        def run(config: DictConfig) -> float | None:
            try:
                return task(config)
            except (RoilabError, InstantiationException) as error:
                if user_error(error) is None or os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise
                # The only exception that Hydra prints without a traceback.
                raise CompactHydraException(message(error)) from error
            except OSError as error:
                if error.errno not in FULL or os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise
                raise CompactHydraException(
                    f"{error.filename or 'a file'}: cannot be written: no space is left "
                    f"({error.strerror}). Free space, or choose another output_dir."
                ) from error

        main: Callable[[], None] = hydra.main(
            version_base="1.3", config_path=str(config_dir()), config_name=config_name
        )(run)
        return main

    return decorate
