"""Arguments of a command: options of Hydra, overrides, and ``~`` in their paths."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

# Options of every command that Hydra reads; those with a value have its name behind them.
OPTIONS = {
    "--help": "this page; --help NAME shows only keys and groups of this name",
    "--multirun": "short -m; run every combination of the values in KEY=A,B",
    "--config-dir": "FOLDER of configuration files of yours, searched first",
    "--cfg": "job; print the configuration and stop",
    "--resolve": "with --cfg: with all references replaced by values",
    "--package": "KEY; with --cfg: print only this part",
    "--info": "print how Hydra composed the configuration",
    "--hydra-help": "all options of Hydra",
}
_SHORT = {
    **{"-h": "--help", "-m": "--multirun", "-cd": "--config-dir", "-c": "--cfg"},
    **{"-p": "--package", "-i": "--info", "-cn": "--config-name", "-cp": "--config-path"},
}
_OTHERS = ("--version", "--run", "-r", "--shell-completion", "-sc", "--experimental-rerun")
_WITH_VALUE = (
    *("--config-dir", "--cfg", "--package", "--config-name", "--config-path"),
    "--experimental-rerun",
)
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


@dataclass
class Arguments:
    """What the arguments of a command mean."""

    overrides: list[str] = field(default_factory=list)  # KEY=VALUE and ~KEY
    words: list[str] = field(default_factory=list)  # neither override nor option
    options: dict[str, str] = field(default_factory=dict)  # long name -> value, "" for none
    unknown: list[str] = field(default_factory=list)  # options that do not exist


def split(arguments: Sequence[str]) -> Arguments:
    """Split arguments into overrides, options and other words."""
    found, rest = Arguments(), list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        name = _SHORT.get(name, name)
        if not argument.startswith("-"):
            kind = found.overrides if "=" in argument or argument.startswith("~") else found.words
            kind.append(argument)
        elif name not in OPTIONS and name not in _WITH_VALUE and name not in _OTHERS:
            found.unknown.append(argument)
        elif equals or (name == "--info" and rest and rest[0] not in _INFO):
            found.options[name] = value
        elif name in (*_WITH_VALUE, "--info") and rest:
            found.options[name] = rest.pop(0)
        else:
            found.options[name] = ""
    return found


def expand_home(arguments: Sequence[str]) -> list[str]:
    """Replace ``~`` at the start of a path by the home folder.

    The shell does so only at the start of a word, and Hydra does not accept an unquoted ``~`` in
    ``data.dir=~/frames`` or ``sample=[~/a,~/b]``.
    """

    def expand(match: re.Match[str]) -> str:
        return os.path.expanduser(match[0])

    expanded = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        # At the start of a value or of an item of a list, up to the end of the name.
        value = re.sub(r"(?:(?<=^)|(?<=[,\[\s'\"]))~[\w.-]*(?=[/,\]'\"]|$)", expand, value)
        name = name if equals or not argument.startswith("~/") else os.path.expanduser(name)
        expanded.append(f"{name}{equals}{value}")
    return expanded
