"""Settings of a trial as an experiment file, which ``roilab train`` takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser

from roilab.atomic_write import write_text
from roilab.command_line.keys import ConfFolders
from roilab.sweep.names import values

_GROUP = "experiment"


def write_experiment(
    folder: Path, name: str, comment: str, overrides: Sequence[str], config_dir: str | None
) -> None:
    """Write ``experiment/NAME.yaml``: the settings of overrides in the form of a file of ``conf/``.

    Args:
        folder: of the study, later given as ``--config-dir``.
        name: of the file.
        comment: its first lines.
        overrides: of the training, the later ones before the earlier ones.
        config_dir: folder with configuration files of the user.
    """
    groups, settings, removed = _sort(overrides, ConfFolders(config_dir))
    experiment = groups.pop(_GROUP, None)
    defaults: list[Any] = [] if experiment in (None, "null") else [experiment]
    defaults.append("_self_")
    defaults += [{f"override /{group}": _none(choice)} for group, choice in groups.items()]
    lines = ["# @package _global_", *(f"# {line}" for line in comment.splitlines())]
    if removed:
        lines.append(f"# Add to the command: {' '.join(removed)}")
    body: dict[str, Any] = {"defaults": defaults, **settings}
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=1000)
    write_text(folder / _GROUP / f"{name}.yaml", "\n".join([*lines, text]))


def _sort(
    overrides: Sequence[str], folders: ConfFolders
) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Return choices by group, values as nested mappings, and keys that are removed."""
    loader = GlobalHydra.instance().config_loader()
    groups: dict[str, str] = {}
    settings: dict[str, Any] = {}
    removed: list[str] = []
    for one in OverridesParser.create(config_loader=loader).parse_overrides(list(overrides)):
        text, key = one.input_line or "", one.key_or_group
        if one.is_delete():
            removed.append(text)
        elif folders.is_group(key):
            groups[one.get_key_element().lstrip("+")] = one.get_value_element_as_str()
        else:
            (value,) = values([text]).values()
            _put(settings, key.split("."), value)
    return groups, settings, removed


def _put(settings: dict[str, Any], path: Sequence[str], value: Any) -> None:
    node, (*parents, last) = settings, path
    for name in parents:
        if not isinstance(node.get(name), dict):
            node[name] = {}
        node = node[name]
    node[last] = value


def _none(choice: str) -> str | None:
    return None if choice == "null" else choice
