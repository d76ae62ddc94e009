"""The detectors of ``conf/detector``: which of them have given channels?"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml

from roilab.command_line.keys import config_dir
from roilab.detectors.readout import Anode, Readout
from roilab.types import IntArray


@cache
def known_readouts() -> Mapping[str, Readout]:
    """Return the readout of every file in ``conf/detector``, by its name."""
    names = sorted(path.stem for path in (config_dir() / "detector").glob("*.yaml"))
    return {name: Readout.from_config({"detector": _read(name)}) for name in names}


def _read(name: str) -> dict[str, Any]:
    """Read a file with the files that its defaults list names, without Hydra, which is slow."""
    config: dict[str, Any] = yaml.safe_load(
        (config_dir() / "detector" / f"{name}.yaml").read_text()
    )
    merged: dict[str, Any] = {}
    for base in config.pop("defaults", ["_self_"]):
        part = config if base == "_self_" else _read(base)
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = {**merged[key], **value} if both else value
    return merged


def matching_detectors(ids: IntArray, apa: str, exact: bool = False) -> list[str]:
    """Return the names of the detectors that have the channels of a tag, best matches only.

    A detector whose planes begin and end where the channels do is a better match than one that
    only has all the channels. With ``exact`` the latter are left out.
    """
    anodes = {name: readout.anodes(apa) for name, readout in known_readouts().items()}
    best = [name for name, found in anodes.items() if any(ends_on_planes(a, ids) for a in found)]
    if best or exact:
        return best
    return [name for name, found in anodes.items() if any(a.holds(ids) for a in found)]


def ends_on_planes(anode: Anode, ids: IntArray) -> bool:
    """Return whether channels without gaps begin and end with planes of an anode."""
    low, high = int(ids.min()), int(ids.max())
    first, last = zip(*anode.complete, strict=True)
    return anode.holds(ids) and low in first and high + 1 in last
