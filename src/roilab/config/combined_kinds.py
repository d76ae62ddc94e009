"""Kinds made of other kinds: lists, ranges, null, alternatives, groups of settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roilab.config.kinds import Kind, UnfitError, Whole, show


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
            place = error.place or f"{show(item)} in the list"
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


@dataclass(frozen=True)
class ByPlane(Kind):
    """A mapping from planes (``u``, ``v``, ``w``) to values of one kind."""

    kind: Kind

    @property
    def expected(self) -> str:  # noqa: D102
        return f"{self.kind.expected} for every plane, as in {{u: A, v: B}}"

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if not isinstance(value, Mapping) or not value:
            raise UnfitError(self.expected)
        for plane, item in value.items():
            if str(plane).lower() not in ("u", "v", "w"):
                raise UnfitError("the planes u, v, w", f"There is no plane {plane}.", near=True)
            try:
                self.kind.read(item, paths)
            except UnfitError as error:
                place = f"{plane}: {show(item)}"
                raise UnfitError(error.expected, error.advice, True, place) from error
        return value
