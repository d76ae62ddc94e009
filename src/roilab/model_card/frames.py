"""Where the frames of a training come from, in words."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roilab.config.rules import select_files
from roilab.data.prepared_set import DESCRIPTION
from roilab.errors import RoilabError
from roilab.frames import SIMULATION_FILE

UNKNOWN = "not recorded; the frames hold the true charge, so they are simulated"


def describe_frames(data: Mapping[str, Any]) -> list[str]:
    """Return a line for every kind of simulated events in the data of a recipe.

    Read from the configuration that ``roilab.simulate`` leaves beside its frames; empty where there
    is none, such as for frames of the full toolkit or on another machine.
    """
    if isinstance(data.get("simulation"), Mapping):
        configs = [data["simulation"]]
    else:
        configs = [_read(folder / SIMULATION_FILE) for folder in _folders(data)]
    seeds: dict[str, list[str]] = {}
    for config in configs:
        if config:
            seeds.setdefault(_describe(config), []).append(str(config.get("seed")))
    return [f"{text} ({_words('seed', found)})" for text, found in seeds.items()]


def _folders(data: Mapping[str, Any]) -> list[Path]:
    """Return the folders that hold frame files of a training or validation, sorted."""
    try:
        if (prepared := Path(data["dir"]).expanduser() / DESCRIPTION).is_file():
            return _prepared_folders(prepared)
        pairs = select_files(data).pairs()
    except (RoilabError, OSError, KeyError, TypeError, ValueError):
        return []
    used = (pair for stage, found in pairs.items() if stage != "test" for pair in found)
    return sorted({pair.rec.parent for pair in used})


def _prepared_folders(description: Path) -> list[Path]:
    """Return the folders of the frames from which images were prepared.

    The file has a line for every key, and can have millions of images in the last one.
    """
    key = '"files": '
    with description.open() as stream:
        for line in stream:
            if line.startswith(key):
                files = json.loads(line.removeprefix(key).strip().rstrip(","))
                return sorted({Path(rec).parent for rec, *_ in files})
    return []


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _describe(config: Mapping[str, Any]) -> str:
    """Return kind of events and detector of a simulation."""
    generator, detector = _part(config, "generator"), _part(config, "detector")
    name = str(generator.get("_target_", "events")).rsplit(".", 1)[-1]
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    if shares := _part(generator, "shares"):
        kind = "mixture of " + _and([f"{name} {_percent(shares, name)}" for name in shares])
    return f"{kind}, simulated by roilab for {detector.get('name') or 'a detector without name'}"


def _words(noun: str, values: Sequence[str]) -> str:
    return f"{noun}{'s' * (len(values) > 1)} {_and(values)}"


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = config.get(name)
    return part if isinstance(part, Mapping) else {}


def _percent(shares: Mapping[str, Any], name: str) -> str:
    return f"{100 * shares[name] / (sum(shares.values()) or 1):.0f} %"


def _and(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
