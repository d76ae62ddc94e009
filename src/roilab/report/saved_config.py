"""Read the YAML files in a run's folder as plain values.

Interpolations that call something, such as ``${oc.env:HOME}``, stay texts: their values would be
those of the reader, not of the run.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

_MAX_BYTES = 5_000_000  # the largest configuration of roilab has 20 000
_MAX_STEPS = 20  # of references to references
_REFERENCE = re.compile(r"\$\{([\w.]+)\}", re.ASCII)  # to another key: ${data.rebin}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """Return the contents of a YAML file.

    Raises:
        ValueError: it is too large, or has aliases (``*name``), which can grow without end.
        Exception: (several types) it is not YAML.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES} bytes")
    return parse_yaml(path.read_text())


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text; see ``read_yaml``."""
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_LOADER)):
        raise ValueError("YAML aliases (*name), which Hydra never writes")
    return OmegaConf.to_container(OmegaConf.create(text), resolve=False)


def select(config: Any, key: str) -> Any:
    """Return the value of a dotted key, ``None`` where there is none.

    A reference to another key is followed; any other interpolation is returned as text.
    """
    for _ in range(_MAX_STEPS):
        value = config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if reference is None:
            break
        key = reference[1]
    return value
