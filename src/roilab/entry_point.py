"""What all entry points share: where the configuration is, and how an error is told.

Nothing here imports torch or lightning, so that ``--help`` is quick.
"""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import hydra
from hydra.errors import CompactHydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf

import roilab.sweep.names  # noqa: F401 (the resolvers that conf/ names jobs by)
from roilab.errors import RoilabError

Task = Callable[[DictConfig], float | None]

# ${count:${data.layers}} in conf/: the length of a list.
OmegaConf.register_new_resolver("count", len, replace=True)


def config_dir() -> Path:
    """``conf/``: inside an installed package, or at the top of a repository."""
    package = Path(__file__).parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parents[1] / "conf"


def sentence(error: RoilabError) -> str:
    """An error's own text, without the traceback that a process of a data loader puts before it."""
    return str(error).rsplit(f"{type(error).__name__}: ", 1)[-1].strip()


def entry_point(config_name: str) -> Callable[[Task], Callable[[], None]]:
    """Make a Hydra application of a task that takes the composed configuration.

    An error the user can mend is told as its sentence alone; with ``HYDRA_FULL_ERROR=1`` the
    traceback comes too. Either way the exit code is not 0.
    """

    def decorate(task: Task) -> Callable[[], None]:
        @wraps(task)
        def run(config: DictConfig) -> float | None:
            try:
                return task(config)
            except (RoilabError, InstantiationException) as error:
                cause = error.__cause__ if isinstance(error, InstantiationException) else error
                if not isinstance(cause, RoilabError) or os.environ.get("HYDRA_FULL_ERROR") == "1":
                    raise
                # The one kind of exception that Hydra prints without a traceback.
                raise CompactHydraException(sentence(cause)) from error

        main: Callable[[], None] = hydra.main(
            version_base="1.3", config_path=str(config_dir()), config_name=config_name
        )(run)
        return main

    return decorate
