"""Kinds of values that a key of the configuration can have: numbers, words, paths, lists."""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

_FRACTION = re.compile(r"\s*([-+\d.eE]+)\s*/\s*([-+\d.eE]+)\s*")


class UnfitError(Exception):
    """A value is not of the expected kind.

    Args:
        expected: what was expected, to follow "expected ".
        advice: a sentence that says what to do; ``KEY`` in it stands for the name of the key.
        near: whether the type fits, so that this text is the best among several kinds.
        place: which part of the value is wrong, where it is not all of it.
    """

    def __init__(
        self, expected: str, advice: str = "", near: bool = False, place: str = ""
    ) -> None:
        super().__init__(expected)
        self.expected, self.advice, self.near, self.place = expected, advice, near, place


class Kind(ABC):
    """A kind of values."""

    name = ""  # of the key in words, for the message that it is absent
    stands_for = "VALUE"  # in KEY=VALUE of that message

    @property
    @abstractmethod
    def expected(self) -> str:
        """What is expected, in words that follow "expected "."""

    @abstractmethod
    def read(self, value: Any, paths: bool) -> Any:
        """Return the value as its type: ``1/4000`` as a number.

        Args:
            value: of the configuration, without interpolation.
            paths: whether files and folders must exist.

        Raises:
            UnfitError: it is of another kind.
        """


@dataclass(frozen=True, kw_only=True)
class Number(Kind):
    """A number within limits; a fraction such as ``1/4000`` is one too."""

    low: float | None = None  # smallest
    high: float | None = None  # largest
    above: float | None = None  # exclusive limits
    below: float | None = None

    noun = "a number"

    @property
    def expected(self) -> str:  # noqa: D102
        limits = {
            "of at least": self.low,
            "above": self.above,
            "of at most": self.high,
            "below": self.below,
        }
        texts = [f"{words} {limit:g}" for words, limit in limits.items() if limit is not None]
        return " ".join([self.noun, " and ".join(texts)]).strip()

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        number = _number(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise UnfitError(self.expected)
        if not math.isfinite(number) or not self._within(number):
            raise UnfitError(self.expected, self._percent(number), near=True)
        return number

    def _within(self, number: float) -> bool:
        return (
            (self.low is None or number >= self.low)
            and (self.high is None or number <= self.high)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def _percent(self, number: float) -> str:
        """Return advice where a part of 1 was given in percent."""
        part = 1.0 in (self.high, self.below)
        return f"For {number:g} % write KEY={number / 100:g}." if part and 1 < number <= 100 else ""


@dataclass(frozen=True, kw_only=True)
class Whole(Number):
    """A whole number within limits."""

    noun = "a whole number"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        number = super().read(value, paths)
        if number != int(number):
            raise UnfitError(self.expected, near=True)
        return int(number)


class Flag(Kind):
    """True or false."""

    expected = "true or false"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if not isinstance(value, bool):
            raise UnfitError(self.expected)
        return value


@dataclass(frozen=True)
class Text(Kind):
    """A text, of the given form where ``pattern`` is a regular expression."""

    pattern: str = ""
    form: str = ""  # the pattern in words

    @property
    def expected(self) -> str:  # noqa: D102
        return self.form or "a text"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if isinstance(value, Path):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise UnfitError(self.expected)
        if not str(value) or (self.pattern and not re.fullmatch(self.pattern, str(value))):
            raise UnfitError(self.expected)
        return str(value)


class Choice(Kind):
    """One of several words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    @property
    def expected(self) -> str:  # noqa: D102
        return f"one of {', '.join(self.words)}" if len(self.words) > 1 else self.words[0]

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if not isinstance(value, bool) and str(value) in self.words:
            return value
        lower = {word.lower(): word for word in self.words}
        close = get_close_matches(str(value).lower(), lower, n=1)
        raise UnfitError(self.expected, f"Did you mean {lower[close[0]]}?" if close else "")


@dataclass(frozen=True)
class _Path(Kind):
    """A path to something that exists."""

    name: str = ""

    noun = ""

    @property
    def expected(self) -> str:
        return f"a {self.noun} that exists"

    @property
    def stands_for(self) -> str:  # type: ignore[override]
        return self.noun.upper()

    def read(self, value: Any, paths: bool) -> Any:
        if not isinstance(value, str | Path) or not str(value):
            raise UnfitError(f"the path of a {self.noun}")
        path = Path(value).expanduser()
        if paths and not self._exists(path):
            raise UnfitError(self.expected, self._advice(path), near=True)
        return value

    def _exists(self, path: Path) -> bool:
        return path.is_file()

    def _advice(self, path: Path) -> str:
        """Say what there is instead of the path."""
        if path.exists():
            return f"This is {'a folder' if path.is_dir() else 'a file'}."
        missing = path.absolute()
        while not missing.parent.exists():
            missing = missing.parent
        if not missing.parent.is_dir():
            return f"{missing.parent} is a file."
        there = [entry.name for entry in missing.parent.iterdir()]
        close = get_close_matches(missing.name, there, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"There is no {missing.name} in {missing.parent}.{hint}"


class File(_Path):
    """A file that exists; ``name`` says which, where it must be given."""

    noun = "file"


class Folder(_Path):
    """A folder that exists; ``name`` says which, where it must be given."""

    noun = "folder"

    def _exists(self, path: Path) -> bool:
        return path.is_dir()


class FileOrFolder(_Path):
    """A file or folder that exists; ``name`` says which, where it must be given."""

    noun = "file or folder"

    @property
    def stands_for(self) -> str:  # type: ignore[override]  # noqa: D102
        return "FILE"

    def _exists(self, path: Path) -> bool:
        return path.exists()


@dataclass(frozen=True, kw_only=True)
class ListOf(Kind):
    """A list of values of one kind."""

    kind: Kind
    least: int = 0  # number of values
    most: int | None = None

    @property
    def expected(self) -> str:  # noqa: D102
        if self.least == self.most:
            return f"a list of {self.least} values"
        return (
            f"a list of at least {self.least} value{'s' * (self.least > 1)}"
            if self.least
            else ("a list")
        )

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            self._read_item(value, paths)
            raise UnfitError("a list", f"Write KEY=[{value}].")
        if isinstance(value, Mapping) or not isinstance(value, Sequence):
            raise UnfitError(self.expected)
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            raise UnfitError(self.expected)
        return [self._read_item(item, paths) for item in value]

    def _read_item(self, item: Any, paths: bool) -> Any:
        try:
            return self.kind.read(item, paths)
        except UnfitError as error:
            place = error.place or show(item)
            raise UnfitError(error.expected, error.advice, True, place) from error


class Range(Kind):
    """A half-open range of whole numbers."""

    expected = "[first, last + 1], two whole numbers of at least 0 with first below last + 1"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        try:
            first, end = ListOf(kind=Whole(low=0), least=2, most=2).read(value, paths)
        except UnfitError as error:
            raise UnfitError(self.expected) from error
        if first >= end:
            raise UnfitError(self.expected)
        return [first, end]


@dataclass(frozen=True)
class Null(Kind):
    """A value of the kind, or null."""

    kind: Kind

    @property
    def expected(self) -> str:  # noqa: D102
        return f"{self.kind.expected}, or null"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if value is None:
            return None
        try:
            return self.kind.read(value, paths)
        except UnfitError as error:
            expected = error.expected if error.place else f"{error.expected}, or null"
            raise UnfitError(expected, error.advice, error.near, error.place) from error


class Either(Kind):
    """A value of one of several kinds; the first that fits counts."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds

    @property
    def expected(self) -> str:  # noqa: D102
        return ", or ".join(kind.expected for kind in self.kinds)

    @property
    def name(self) -> str:  # type: ignore[override]  # noqa: D102
        return self.kinds[0].name

    @property
    def stands_for(self) -> str:  # type: ignore[override]  # noqa: D102
        return self.kinds[0].stands_for

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        errors = []
        for kind in self.kinds:
            try:
                return kind.read(value, paths)
            except UnfitError as error:
                errors.append(error)
        near = [error for error in errors if error.near]
        advice = next((error.advice for error in near or errors if error.advice), "")
        place = near[0].place if len(near) == 1 else ""
        raise UnfitError(near[0].expected if place else self.expected, advice, True, place)


class Free(Kind):
    """Any value; what it may be is not known here."""

    expected = "a value"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        return value


@dataclass(frozen=True)
class Section(Kind):
    """A mapping with these keys, and others that are not known here."""

    keys: Mapping[str, Kind]

    expected = "a group of settings"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if not isinstance(value, Mapping):
            raise UnfitError(self.expected)
        return value


@dataclass(frozen=True)
class Each(Section):
    """A mapping from any names to values of one kind."""

    keys: Mapping[str, Kind]

    @classmethod
    def of(cls, kind: Kind) -> "Each":
        """Return the kind of a mapping whose values are of ``kind``."""
        return cls({"*": kind})


def show(value: Any) -> str:
    """Return a value as it is written on the command line."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Mapping():
            return "{" + ",".join(f"{key}:{show(item)}" for key, item in value.items()) + "}"
        case str():
            return value
        case Sequence():
            return f"[{','.join(map(show, value))}]"
    return str(value)


def _number(text: str) -> float | None:
    """Return the number that a text stands for, also that of a fraction; ``None`` if none."""
    parts = _FRACTION.fullmatch(text)
    try:
        if parts is None:
            return float(text)
        return float(parts[1]) / float(parts[2])
    except (ValueError, ZeroDivisionError):
        return None
