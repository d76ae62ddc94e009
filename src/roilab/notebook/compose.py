"""Compose the configuration of a command in a notebook, also inside another Hydra application."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir, version
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from roilab.entry_point import config_dir
from roilab.notebook.errors import ApiError


@contextmanager
def hydra_on_conf() -> Iterator[None]:
    """Initialize Hydra on ``conf/``; at the end restore a Hydra application that was running.

    Raises:
        ApiError: the configuration does not compose.
    """
    running, base = GlobalHydra.instance().hydra, version.getbase()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            yield
    except (HydraException, OmegaConfBaseException) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ApiError(f"The configuration does not compose: {' '.join(lines)}") from error
    finally:
        GlobalHydra.instance().hydra = running
        version.VersionBase.instance().version_base = base


def compose(command: str, overrides: Sequence[str]) -> DictConfig:
    """Compose the configuration of a command; interpolations are resolved later.

    Raises:
        ApiError: the configuration does not compose.
    """
    with hydra_on_conf():
        return hydra_compose(command, list(overrides))


def plain(node: Any) -> dict[str, Any]:
    """Return a part of a configuration as plain containers, with interpolations resolved.

    Raises:
        ApiError: a value is missing or cannot be resolved.
    """
    try:
        return OmegaConf.to_container(node, resolve=True, throw_on_missing=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise ApiError(f"The configuration is incomplete: {str(error).splitlines()[0]}") from error


def group_files(group: str) -> list[str]:
    """Return the names of the files of a group in ``conf/``, such as ``detector``."""
    return sorted(file.stem for file in (config_dir() / group).glob("*.yaml"))


def data_defaults(detector: str) -> dict[str, Any]:
    """Return the data config of a detector with the defaults of ``conf/data``."""
    return plain(compose("train", ["data=base", f"detector={detector}", "data.dir=."]).data)
