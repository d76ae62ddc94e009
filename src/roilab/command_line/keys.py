"""Keys and groups of a command, from the files in ``conf/`` and in folders of the user.

The rules are those of Hydra's defaults lists, as far as ``conf/`` uses them; a test compares every
choice of every command with what Hydra composes. Hydra itself takes a second for it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from roilab.command_line.conf_file import ConfFile, Key, read_conf_file

_HIDDEN_GROUPS = ("hydra", "command")


def config_dir() -> Path:
    """Return ``conf/``, which is in the installed package or at the top of a repository."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parents[1] / "conf"


class ConfFolders:
    """Folders with configuration files; a file in an earlier folder hides those in later ones."""

    def __init__(self, user: str | None = None) -> None:
        self.folders = [*([Path(user)] if user else []), config_dir()]
        self._files: dict[str, ConfFile | None] = {}

    def read(self, name: str) -> ConfFile | None:
        """Read ``GROUP/NAME``; ``None`` where no folder has it."""
        if name not in self._files:
            paths = (folder / f"{name}.yaml" for folder in self.folders)
            found = next((path for path in paths if path.is_file()), None)
            group = name.rpartition("/")[0]
            self._files[name] = None if found is None else read_conf_file(found, group)
        return self._files[name]

    def is_group(self, name: str) -> bool:
        """Return whether a folder of this name exists, such as ``simulation/noise``."""
        return bool(name) and any((folder / name).is_dir() for folder in self.folders)

    def choices(self, group: str) -> dict[str, ConfFile]:
        """Return the files of a group by name, without those that only other files use."""
        names = sorted({p.stem for folder in self.folders for p in folder.glob(f"{group}/*.yaml")})
        files = {name: self.read(f"{group}/{name}") for name in names}
        return {name: file for name, file in files.items() if file and not file.is_piece}


@dataclass(frozen=True)
class _Item:
    """Item of a defaults list."""

    group: str  # such as simulation/noise
    package: str  # such as simulation.noise
    value: Any  # name of a file, a list of them, None, or ??? (missing)
    override: bool = False
    fixed_package: bool = False  # given with @

    @property
    def key(self) -> str:
        """Name of the group on the command line."""
        default = self.group.replace("/", ".")
        return self.group if self.package == default else f"{self.group}@{self.package}"


@dataclass
class Command:
    """Configuration of a command: its keys, and the choice of each group."""

    name: str
    overrides: Sequence[str]
    folders: ConfFolders
    keys: Key = field(default_factory=lambda: Key(children={}))
    groups: dict[str, Any] = field(default_factory=dict)  # key on the command line -> choice

    def __post_init__(self) -> None:
        self._chosen: dict[str, Any] = {}
        self._added: list[_Item] = []
        for group, value, added in group_overrides(self.overrides, self.folders):
            name, _, package = group.partition("@")
            self._chosen[group] = value
            if added:
                self._added.append(_Item(name, package or name.replace("/", "."), value))
        for package, file in self._expand(self.name, "", "", self._added):
            self._merge(package, file)
        reversed_order = reversed(self.groups.items())
        hidden = [one for one in self.groups if re.split("[/@]", one)[0] in _HIDDEN_GROUPS]
        self.groups = {one: value for one, value in reversed_order if one not in hidden}

    @cached_property
    def header(self) -> list[str]:
        """Lines at the top of the command's file: what it does, and examples."""
        file = self.folders.read(self.name)
        return [] if file is None else file.header

    @cached_property
    def flat(self) -> dict[str, Key]:
        """All keys by full name, also those with further keys."""
        return dict(self.keys.walk())

    def _merge(self, package: str, file: ConfFile) -> None:
        target = self.keys
        for part in filter(None, package.split(".")):
            if target.children is None:
                target.value, target.children = None, {}
            target = target.children.setdefault(part, Key(children={}))
        target.merge(Key(children=file.keys.children))

    def _expand(
        self, name: str, group: str, package: str, added: Sequence[_Item] = ()
    ) -> list[tuple[str, ConfFile]]:
        """Return the files that a file brings, and itself, in the order of merging."""
        file = self.folders.read(f"{group}/{name}" if group else name)
        if file is None:
            return []
        items = [_item(one, group, package) for one in file.defaults]
        items += added
        if None not in items:
            items.append(None)
        for item in items:
            if item is not None and item.override:
                self._chosen.setdefault(item.key, item.value)
        parts: list[tuple[str, ConfFile]] = []
        # As Hydra: from the last to the first, so that a later file can choose for an earlier one.
        for item in reversed(items):
            if item is None:
                parts[:0] = [(package, file)]
            elif not item.override:
                parts[:0] = self._expand_item(item, own=item.group == group)
        return parts

    def _expand_item(self, item: _Item, own: bool) -> list[tuple[str, ConfFile]]:
        value = item.value
        if not own:
            value = self._chosen.get(item.key, value)
            self.groups[item.key] = None if value == "???" else value
        parts = []
        for name in value if isinstance(value, list) else [value]:
            if not isinstance(name, str) or name == "???":
                continue
            path = f"{item.group}/{name}" if item.group else name
            file, package = self.folders.read(path), item.package
            if file is not None and file.package is not None and not item.fixed_package:
                package = file.package.replace("_global_", "")
            parts += self._expand(name, item.group, package)
        return parts


def group_overrides(
    overrides: Sequence[str], folders: ConfFolders
) -> Iterator[tuple[str, str | None, bool]]:
    """Yield group, choice and whether it is added with ``+``; of a sweep the first choice."""
    for override in overrides:
        match = re.fullmatch(r"(\+{0,2})([\w/]+)(@[\w.:]+)?=(.*)", override)
        if match and folders.is_group(match[2]):
            choice = match[4].split(",")[0].strip("'\"")
            yield match[2] + (match[3] or ""), None if choice == "null" else choice, bool(match[1])


def _item(entry: Any, group: str, package: str) -> _Item | None:
    """Return an item of the defaults list of a file in ``group``; ``None`` for ``_self_``."""
    if entry == "_self_":
        return None
    if not isinstance(entry, dict):  # a file of the same group, or /GROUP/NAME
        path, _, given = str(entry).partition("@")
        folder, _, name = path.rpartition("/")
        inside = _absolute(folder, group) if not path.startswith("/") else folder.lstrip("/")
        final = _package(given, package) if given else package
        return _Item(inside, final, name, fixed_package=bool(given))
    ((words, value),) = entry.items()
    *keywords, name = str(words).split()
    name, _, given = name.partition("@")
    final = _package(given or name.lstrip("/").replace("/", "."), package)
    override = "override" in keywords
    return _Item(_absolute(name, group), final, value, override, fixed_package=bool(given))


def _absolute(name: str, group: str) -> str:
    """Return the full name of a group that is named in a file of ``group``."""
    return name.lstrip("/") if name.startswith("/") else "/".join(filter(None, (group, name)))


def _package(named: str, package: str) -> str:
    """Return the full name of a package that is named in a file of ``package``."""
    if named.startswith("_global_"):
        return named.removeprefix("_global_").lstrip(".")
    return package if named == "_here_" else ".".join(filter(None, (package, named)))
