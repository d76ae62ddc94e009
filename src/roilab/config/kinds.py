"""Kinds of single values that a key of the configuration can have: numbers, words, texts."""

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


def _number(text: str) -> float | None:
    """Return the number that a text stands for, also that of a fraction; ``None`` if none."""
    parts = _FRACTION.fullmatch(text)
    try:
        if parts is None:
            return float(text)
        return float(parts[1]) / float(parts[2])
    except (ValueError, ZeroDivisionError):
        return None


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
