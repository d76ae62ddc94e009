"""One file of ``conf/``: its keys with their comments, and its defaults list."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

# Written in C, where PyYAML has it: ten times as fast.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# First words of the header of files that other files are built on.
_PIECE = "Shared part:"


@dataclass
class Key:
    """A key of the configuration: a value, or further keys."""

    value: Any = None
    comment: str = ""
    children: dict[str, "Key"] | None = None
    inline: bool = False  # {a: 1, b: 2} in one line, with one comment
    group: str = ""  # group of the file that it stands in

    def merge(self, other: "Key") -> None:
        """Change value and keys to those of a later file; its comment replaces this one."""
        self.comment = other.comment or self.comment
        if self.children is None or other.children is None:
            self.value, self.children, self.inline = other.value, None, other.inline
            if other.children is not None:
                self.value, self.children = None, {}
        for name, child in (other.children or {}).items():
            assert self.children is not None
            self.children.setdefault(name, Key(group=child.group)).merge(child)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, "Key"]]:
        """Yield every key below this one with its full name, parents before children."""
        for name, child in (self.children or {}).items():
            yield f"{prefix}{name}", child
            yield from child.walk(f"{prefix}{name}.")


@dataclass
class ConfFile:
    """One YAML file."""

    header: list[str]  # the comment at its top, line by line
    package: str | None = None  # of its line "# @package"
    defaults: list[Any] = field(default_factory=list)
    keys: Key = field(default_factory=lambda: Key(children={}))

    @property
    def is_piece(self) -> bool:
        """Whether only other files use it; nobody chooses it."""
        return bool(self.header) and self.header[0].startswith(_PIECE)


def read_conf_file(path: Path, group: str) -> ConfFile:
    """Read a file; one that is no YAML mapping has no keys (Hydra reports it)."""
    lines = path.read_text().splitlines()
    top = []
    for line in lines:
        if not line.startswith("#"):
            break
        top.append(line.removeprefix("#").removeprefix(" ").rstrip())
    package = next((one.split()[1] for one in top if one.startswith("@package ")), None)
    file = ConfFile([one for one in top if not one.startswith("@package ")], package)
    try:
        loader = _Loader("\n".join(lines))
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            return file
        file.keys = _read_mapping(loader, node, lines, len(top), group)
    except yaml.YAMLError:
        return file
    defaults = (file.keys.children or {}).pop("defaults", None)
    file.defaults = defaults.value if defaults and isinstance(defaults.value, list) else []
    return file


def _read_mapping(
    loader: Any, node: yaml.MappingNode, lines: Sequence[str], top: int, group: str
) -> Key:
    children = {}
    for name, value in node.value:
        key = Key(comment=_comment(lines, name, value, top), group=group)
        if isinstance(value, yaml.MappingNode):
            key.children = _read_mapping(loader, value, lines, top, group).children
            key.inline = bool(value.flow_style)
        else:
            key.value = loader.construct_object(value, deep=True)
        children[str(name.value)] = key
    return Key(children=children)


def _comment(lines: Sequence[str], name: yaml.Node, value: yaml.Node, top: int) -> str:
    """Return the comment behind a key's value, or else the lines of comment above the key.

    The first ``top`` lines are the header of the file and explain no key.
    """
    number, end = name.start_mark.line, name.end_mark.column + 1
    if isinstance(value, yaml.ScalarNode) or getattr(value, "flow_style", False):
        number, end = value.end_mark.line, max(value.end_mark.column, end)
    behind = re.match(r"\s+#\s*(.*)", lines[number][end:]) if number < len(lines) else None
    if behind:
        return behind[1].strip()
    above: list[str] = []
    indent = " " * name.start_mark.column
    for line in reversed(lines[top : name.start_mark.line]):
        if not line.startswith(f"{indent}#"):
            break
        above.insert(0, line.strip().lstrip("#").strip())
    return " ".join(above)
