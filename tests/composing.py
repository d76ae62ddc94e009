"""Compose configurations as Hydra does, but every choice of groups only once."""

from collections.abc import Sequence
from copy import deepcopy
from functools import cache

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from roilab.entry_point import config_dir


def composed(command: str, overrides: Sequence[str]) -> DictConfig:
    """Return the configuration of a command; as in Hydra, values replace those of the groups."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    others = tuple(one.input_line for one in parsed if not _is_value(one))
    config = deepcopy(_composed(command, others))
    for one in filter(_is_value, parsed):
        OmegaConf.update(config, one.key_or_group, one.value(), merge=True)
    return config


@cache
def _composed(command: str, overrides: tuple[str, ...]) -> DictConfig:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose(command, list(overrides))


def _is_value(override: Override) -> bool:
    """Return whether an override changes a value: it adds and removes nothing, names no group."""
    key = override.key_or_group
    if override.is_add() or override.is_force_add() or override.is_delete():
        return False
    return not key.startswith("hydra") and "@" not in key and not (config_dir() / key).is_dir()
