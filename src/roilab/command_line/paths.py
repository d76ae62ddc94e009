"""``~`` in the values of a composed configuration."""

import os
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException


def expand_paths(config: DictConfig | ListConfig) -> None:
    """Replace ``~`` by the home folder at the start of every path, in place.

    A text that starts with ``~/``, or is ``~``, is a path whatever its key. So a new key needs no
    entry in a list. On the command line ``arguments.expand_home`` does the same before.
    """
    keys: Any = list(config) if isinstance(config, DictConfig) else range(len(config))
    for key in keys:
        if OmegaConf.is_missing(config, key):
            continue
        try:
            value = config[key]
        except OmegaConfBaseException:
            continue  # the reference of a key that this command does not read
        if isinstance(value, str) and (value == "~" or value.startswith("~/")):
            config[key] = os.path.expanduser(value)
        elif isinstance(value, (DictConfig, ListConfig)):
            expand_paths(value)
