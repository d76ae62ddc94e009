"""Check of the configuration before a command begins: keys, types, ranges, paths.

``parts`` and ``commands`` are tables from a key to the kind of its values (``kinds``), ``rules``
are what several keys must fulfil together. Nothing here imports torch.
"""

from roilab.config.check import ConfigError, check_config, read_part

__all__ = [
    "ConfigError",
    "check_config",
    "read_part",
]
