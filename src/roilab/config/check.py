"""Check a configuration against the tables of keys, all mistakes at once."""

from collections.abc import Container, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue

from roilab.config.combined_kinds import Free, Null, Section
from roilab.config.commands import COMMANDS, unresolved_part, unused_keys
from roilab.config.kinds import Kind, UnfitError, show
from roilab.config.parts import PARTS
from roilab.errors import RoilabError


class ConfigError(RoilabError):
    """Values of the configuration are missing or wrong; the text lists all of them."""


def check_config(config: DictConfig, command: str) -> None:
    """Check the configuration of a command before anything is read or computed.

    Keys that no table lists pass: they are arguments of a user's class. Values are converted in
    place to their types (``1/4000`` to a number).

    Args:
        config: as composed.
        command: name of its root file in ``conf/``.

    Raises:
        ConfigError: a value is missing, of another type, out of range, or a path does not exist.
    """
    walk = _Walk(paths=True, unused=unused_keys(command))
    walk.section(config, COMMANDS.get(command, {}), ())
    optional = f"{unresolved_part(command)}."
    derived = [text for text in walk.derived if not text.startswith(optional)]
    _raise(walk.mistakes or [*_broken_rules(config, command)] or derived)
    for path, value in walk.changes:
        OmegaConf.update(config, ".".join(path), value)


def read_part(target: str, settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the arguments of a class, converted to their types; paths need not exist.

    Args:
        target: import path of the class, a key of ``PARTS``.
        settings: its arguments.
        prefix: name of its group in the configuration, for messages.

    Raises:
        ConfigError: a value is of another type or out of range.
    """
    walk = _Walk(paths=False)
    walk.section(settings, PARTS[target], (prefix,))
    _raise(walk.mistakes)
    result = deepcopy(dict(settings)) if walk.changes else dict(settings)
    for (_, *parents, key), value in walk.changes:
        node = result
        for name in parents:
            node = node[name]
        node[key] = value
    return result


def _raise(mistakes: Sequence[str]) -> None:
    if len(mistakes) > 1:
        raise ConfigError("\n  ".join([f"{len(mistakes)} mistakes in the settings:", *mistakes]))
    if mistakes:
        raise ConfigError(mistakes[0])


def _broken_rules(config: DictConfig, command: str) -> Iterator[str]:
    """Yield the texts of rules between keys that do not hold."""
    from roilab.config.rules import RULES  # numpy and h5py take time to import

    for rule in RULES.get(command, ()):
        try:
            rule(config)
        except RoilabError as error:
            yield str(error)


class _Walk:
    """Walk through a configuration; collect mistakes, and values to convert."""

    def __init__(self, paths: bool, unused: Container[str] = ()) -> None:
        self.paths, self.unused = paths, unused
        self.mistakes: list[str] = []
        self.derived: list[str] = []  # of interpolations, which may follow from other mistakes
        self.changes: list[tuple[tuple[str, ...], Any]] = []

    def section(
        self, node: Mapping[str, Any], kinds: Mapping[str, Kind], path: tuple[str, ...]
    ) -> None:
        """Check all keys of a mapping."""
        for key in node:
            name = str(key)
            kind = kinds.get(name, kinds.get("*"))
            here = (*path, name)
            if here == ("hydra",) or ".".join(here) in self.unused:
                continue
            try:
                value = node[key]
            except MissingMandatoryValue:
                self._missing(kind, ".".join(here))
            except InterpolationResolutionError as error:
                reason = str(error).split("\n")[0]
                self.derived.append(f"{'.'.join(here)}: cannot be resolved ({reason}).")
            else:
                before = len(self.mistakes)
                self._value(value, kind, here)
                if isinstance(node, DictConfig) and OmegaConf.is_interpolation(node, key):
                    self.derived += self.mistakes[before:]
                    del self.mistakes[before:]

    def _value(self, value: Any, kind: Kind | None, path: tuple[str, ...]) -> None:
        if isinstance(value, Mapping):
            self._mapping(value, kind, path)
        elif kind is None or isinstance(kind, Free):
            self._list_of_parts(value, path)
        else:
            self._read(value, kind, path)

    def _mapping(self, value: Mapping[str, Any], kind: Kind | None, path: tuple[str, ...]) -> None:
        kind = kind.kind if isinstance(kind, Null) else kind
        target = value.get("_target_")
        if target is not None:
            self.section(value, PARTS.get(target, {}), path)
        elif isinstance(kind, Section):
            self.section(value, kind.keys, path)
        elif kind is None or isinstance(kind, Free):
            self.section(value, {}, path)
        else:
            self._read(value, kind, path)

    def _list_of_parts(self, value: Any, path: tuple[str, ...]) -> None:
        """Check the parts (mappings with ``_target_``) in a list."""
        if isinstance(value, Sequence) and not isinstance(value, str):
            for index, item in enumerate(value):
                if isinstance(item, Mapping):
                    self._mapping(item, None, (*path, str(index)))

    def _read(self, value: Any, kind: Kind, path: tuple[str, ...]) -> None:
        key = ".".join(path)
        try:
            result = kind.read(value, self.paths)
        except UnfitError as error:
            place = f"{error.place}: " if error.place else ""
            advice = f" {error.advice}".replace("KEY", key) if error.advice else ""
            self.mistakes.append(f"{key}={show(value)}: {place}expected {error.expected}.{advice}")
        else:
            if _types(result) != _types(value):
                self.changes.append((path, result))

    def _missing(self, kind: Kind | None, key: str) -> None:
        name = f"expected the {kind.name}; " if kind is not None and kind.name else ""
        stands_for = "VALUE" if kind is None else kind.stands_for
        self.mistakes.append(f"{key} is not given: {name}add {key}={stands_for}.")


def _types(value: Any) -> Any:
    """Return the type of a value, or those of the values of a list."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_types(item) for item in value]
    return type(value)
