"""Help of a command: its groups and keys, with the comments of ``conf/`` as explanations."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from roilab.command_line.arguments import OPTIONS, Arguments
from roilab.command_line.conf_file import Key
from roilab.command_line.keys import Command, ConfFolders

_LEFT = 36  # columns of KEY=DEFAULT
# Parts with many keys that are seldom changed.
_FOREIGN = {
    "detector": "geometry, channels and clock of the detector",
    "simulation": "settings of the simulated events",
    "simulated_samples": "settings of the simulated tracks and showers",
}
# Names in the place of what Hydra inserts.
_REFERENCES: tuple[tuple[str, str], ...] = (
    (r"\$\{now:%Y-%m-%d\}/\$\{now:%H-%M-%S\}", "DATE/TIME"),
    (r"\$\{oc\.env:ROILAB_CACHE,'([^']*)'\}", r"\1"),
    (r"\$\{hydra:runtime\.choices\.\w+\}", "NAME"),
    (r"^\$\{([\w.]+)\}$", r"that of \1"),
    (r"\$\{([^{}]+)\}", r"<\1>"),
)


def help_page(name: str, program: str, arguments: Arguments) -> str:
    """Return the page for ``PROGRAM --help``; with words, only keys and groups of these names."""
    folders = ConfFolders(arguments.options.get("--config-dir") or None)
    command = Command(arguments.options.get("--config-name") or name, arguments.overrides, folders)
    lines = list(_keys(command, arguments.words))
    groups = list(_groups(command, arguments.words))
    if arguments.words:
        nothing = f"{program}: no key or group is named {' or '.join(arguments.words)}."
        return "\n".join([*groups, *lines]).strip() or nothing
    return "\n".join([*_top(command, program), *groups, *lines, *_options(program)])


def visible_keys(command: Command) -> dict[str, Key]:
    """Return the keys that help shows: those with a value that a user may change.

    Not shown are names with ``_`` in front, the part ``hydra``, and a key without explanation
    whose value is only a reference (``${run_dir}``) or an object.
    """
    shown: dict[str, Key] = {}
    inline = ""
    for key_name, key in command.flat.items():
        parts = key_name.split(".")
        if parts[0] in ("hydra", "run_dir") or any(part.startswith("_") for part in parts):
            continue
        if (
            key_name in command.groups
            or (key.children and not key.inline)
            or (inline and key_name.startswith(inline))
        ):
            continue
        if key.inline:
            inline = f"{key_name}."
        if key.comment or not _internal(key):
            shown[key_name] = key
    return shown


def _internal(key: Key) -> bool:
    if isinstance(key.value, list):
        return any(isinstance(item, dict) for item in key.value)
    return isinstance(key.value, str) and "${" in key.value


def show(key: Key) -> str:
    """Return a default value as a user would write it; references by words."""
    if key.children is not None:
        names = ", ".join(f"{name}: {show(one)}" for name, one in key.children.items())
        return f"{{{names}}}"
    return _show(key.value)


def _show(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_show, value))}]"
    if isinstance(value, dict):
        return "{...}"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if value == "???":
        return "(give a value)"
    text = str(value)
    for pattern, name in _REFERENCES:
        text = re.sub(pattern, name, text)
    return text


def _top(command: Command, program: str) -> Iterator[str]:
    yield f"usage: {program} [GROUP=CHOICE ...] [KEY=VALUE ...]"
    yield ""
    yield from command.header
    yield ""


def _groups(command: Command, words: Sequence[str]) -> Iterator[str]:
    """List every group with its choices; with words, each choice with its explanation."""
    groups = {name: chosen for name, chosen in command.groups.items() if "@" not in name}
    if words:
        groups = {name: groups[name] for name in groups if _named(name.replace("/", "."), words)}
    if not groups:
        return
    yield "Groups (GROUP=CHOICE; * is the choice in use)"
    width = max(map(len, groups)) + 2
    for name, chosen in groups.items():
        choices = command.folders.choices(name)
        marked = [f"*{one}" if one == chosen else one for one in choices]
        if not words:
            yield from _row(name, " ".join(marked), width)
            continue
        for one, file in zip(marked, choices.values(), strict=True):
            yield from _row(f"{name}={one.lstrip('*')}", f"{_star(one)}{' '.join(file.header)}")
    yield ""


def _star(marked: str) -> str:
    return "* " if marked.startswith("*") else ""


def _keys(command: Command, words: Sequence[str]) -> Iterator[str]:
    """List keys with default and explanation, a paragraph for each part of the configuration."""
    keys = visible_keys(command)
    if words:
        keys = {name: key for name, key in keys.items() if _named(name, words)}
    else:
        keys = {n: key for n, key in keys.items() if not _foreign(n, key)}
        yield "Keys (KEY=VALUE; the value here is the default)"
    parts = sorted(keys.items(), key=lambda item: "." in item[0])
    for part, members in groupby(parts, key=lambda item: _part(item[0])):
        if part:
            yield ""
            yield _title(command, part)
        for name, key in members:
            yield from _row(f"{name}={show(key)}", key.comment)
    if not words:
        for name in sorted({_foreign(n, key) for n, key in visible_keys(command).items()} - {""}):
            yield ""
            yield f"{name}.*: {_FOREIGN[name.split('.')[-1]]}; --help {name} lists them."
    yield ""


def _part(name: str) -> str:
    """Return the part of the configuration that a key belongs to: its first name."""
    return name.partition(".")[0] if "." in name else ""


def _title(command: Command, part: str) -> str:
    """Return the heading of a part: its group and choice with its explanation, or its comment."""
    chosen = command.groups.get(part)
    file = command.folders.read(f"{part}/{chosen}") if isinstance(chosen, str) else None
    if file is not None and file.header:
        return f"{part}={chosen}: {' '.join(file.header)}"
    comment = command.flat[part].comment
    return f"{part}: {comment}" if comment else part


def _foreign(name: str, key: Key) -> str:
    """Return the part that a key belongs to, if only ``--help PART`` lists it."""
    group, parts = key.group.split("/")[0], name.split(".")
    if parts[0] == "detector":
        return "detector"
    return ".".join(parts[:2]) if group == "simulation" and parts[0] != group else ""


def _named(name: str, words: Sequence[str]) -> bool:
    return any(f".{word.strip('.')}." in f".{name}." for word in words)


def _row(left: str, text: str, width: int = _LEFT) -> Iterator[str]:
    """Yield an entry: text beside a short name, below a long one."""
    columns = max(60, shutil.get_terminal_size().columns)
    lines = textwrap.wrap(text, columns - width - 3) or [""]
    if len(left) > width:
        yield f"  {left}"
    else:
        yield f"  {left:{width}} {lines.pop(0)}".rstrip()
    for line in lines:
        yield f"  {'':{width}} {line}".rstrip()


def _options(program: str) -> Iterator[str]:
    yield "Options"
    for name, text in OPTIONS.items():
        yield from _row(name, text, max(map(len, OPTIONS)) + 1)
    yield ""
    yield f"A part: {program} --help data; another choice: {program} model=unet --help model"
