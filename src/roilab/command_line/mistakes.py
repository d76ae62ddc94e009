"""Mistyped keys, choices and options: one sentence with the close name, before Hydra's error."""

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches

from roilab.command_line.arguments import Arguments
from roilab.command_line.keys import Command, ConfFolders, group_overrides
from roilab.errors import RoilabError

# Whether Hydra composes a command with these overrides.
Composes = Callable[[Sequence[str]], bool]


class CommandLineError(RoilabError):
    """An argument of the command line is mistyped."""


def check_arguments(name: str, arguments: Arguments, composes: Composes) -> None:
    """Check the names of all keys, groups, choices and options.

    Args:
        name: of the command's file in ``conf/``.
        arguments: of the command line.
        composes: called only for an argument that looks mistyped, because Hydra decides.

    Raises:
        CommandLineError: a name does not exist; the text says which one is close.
    """
    if arguments.unknown:
        option = arguments.unknown[0]
        key = option.lstrip("-").partition("=")[0]
        raise CommandLineError(
            f"{option}: there is no such option; keys are given without dashes, as "
            f"{key or 'KEY'}=VALUE. roilab {name} --help lists options and keys."
        )
    if arguments.words:
        word = arguments.words[0]
        raise CommandLineError(
            f"'{word}': expected KEY=VALUE, such as {_example(name, word)}, without spaces around "
            f"the =. roilab {name} --help lists the keys."
        )
    folders = ConfFolders(arguments.options.get("--config-dir") or None)
    command = Command(arguments.options.get("--config-name") or name, arguments.overrides, folders)
    choices = [one for one in arguments.overrides if any(group_overrides([one], folders))]
    for override in arguments.overrides:
        problem = _problem(override, command)
        if problem and not composes([override] if override in choices else [*choices, override]):
            raise CommandLineError(problem)


def _problem(override: str, command: Command) -> str | None:
    """Return a sentence on an override whose key or choice is not known, else ``None``."""
    if override.startswith("~"):
        return None
    key, _, value = override.lstrip("+").partition("=")
    group = key.partition("@")[0]
    if group.split("/")[0] == "hydra" or key.startswith("hydra."):
        return None
    if command.folders.is_group(group):
        return _wrong_choice(key, value, command) or (
            None if key in command.groups or override.startswith("+") else _no_group(key, command)
        )
    if override.startswith("+") or key in command.flat:
        return None
    close = close_keys(key, command)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{override}: roilab {command.name} has no key {key}; {hint}{_where(key, command)}"


def _where(key: str, command: Command) -> str:
    parent, flat = key, command.flat
    while parent and parent not in flat:
        parent = parent.rpartition(".")[0]
    return f"roilab {command.name} --help{' ' if parent else ''}{parent} lists the keys."


def _wrong_choice(key: str, value: str, command: Command) -> str | None:
    group = key.partition("@")[0]
    choices = list(command.folders.choices(group))
    for name in value.strip("[]'\"").split(","):
        known = name in choices or name == "null" or "$" in name or "(" in name
        if known or command.folders.read(f"{group}/{name}"):
            continue
        close = get_close_matches(name, choices, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return (
            f"{key}={name}: there is no such choice; {hint}The choices of {key} are "
            f"{', '.join(choices)}."
        )
    return None


def _no_group(key: str, command: Command) -> str:
    close = get_close_matches(key, command.groups, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return (
        f"{key}: roilab {command.name} has no group {key}; {hint}Its groups are "
        f"{', '.join(command.groups)}."
    )


def close_keys(key: str, command: Command) -> list[str]:
    """Return at most three names of keys and groups that are close to a mistyped one."""
    names = [*command.flat, *command.groups]
    names = [one for one in names if not re.search(r"(^|\.)(_|hydra)", one)]
    return next((found for found in _close(key, names) if found), [])[:3]


def _close(key: str, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield close names by several criteria, the most certain first."""
    parent, _, last = key.rpartition(".")
    depth = [name for name in names if name.rpartition(".")[0] == parent]
    yield get_close_matches(key, depth, n=1, cutoff=0.8)
    same_end = [name for name in names if name.rpartition(".")[2] == last]
    fewest = min((name.count(".") for name in same_end), default=0)
    yield [name for name in same_end if name.count(".") == fewest]
    yield get_close_matches(key, names, n=1, cutoff=0.75)
    ends = {name.rpartition(".")[2]: name for name in reversed(names)}
    yield [ends[end] for end in get_close_matches(last, ends, n=1, cutoff=0.75)]


def _example(name: str, word: str) -> str:
    command = Command(name, [], ConfFolders())
    close = [word] if word in command.flat else close_keys(word, command)
    return f"{close[0] if close else next(iter(command.groups), 'seed')}=VALUE"
