"""Patterns of file names with fields, such as ``*_xz{theta_xz}_*.root``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from roilab.errors import RoilabError

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
FIELDS = {
    "theta_xz": _NUMBER,  # [degrees]
    "theta_y": _NUMBER,  # [degrees]
    "plane": "[uvwUVW]",
    "energy": _NUMBER,  # [MeV]
    "energy_GeV": _NUMBER,
}
_PIECE = re.compile(r"(\{[^{}]*\}|\*)")


class SampleError(RoilabError):
    """Files cannot be described as a sample."""


@dataclass(frozen=True)
class NameMatch:
    """A file whose name fits a pattern.

    Attributes:
        path: of the file.
        fields: texts of the fields.
        stars: texts of the ``*``, in order.
    """

    path: Path
    fields: dict[str, str]
    stars: tuple[str, ...]


@dataclass(frozen=True)
class NamePattern:
    """A pattern of file names; ``*`` is any text, ``{theta_xz}`` a number, ...

    Raises:
        SampleError: a field is unknown or there twice.
    """

    text: str

    def __post_init__(self) -> None:
        fields = [piece[1:-1] for piece in self._pieces if piece.startswith("{")]
        unknown = [field for field in fields if field not in FIELDS]
        if unknown or len(set(fields)) < len(fields):
            names = ", ".join(f"{{{field}}}" for field in FIELDS)
            wrong = f"has {{{unknown[0]}}}" if unknown else "has a field twice"
            raise SampleError(
                f"pattern '{self.text}': {wrong}; expected some of {names}, each once. Correct it."
            )

    @property
    def _pieces(self) -> list[str]:
        return _PIECE.split(self.text)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        parts = []
        for piece in self._pieces:
            if piece == "*":
                parts.append("([^/]*)")
            elif piece.startswith("{"):
                parts.append(f"(?P<{piece[1:-1]}>{FIELDS[piece[1:-1]]})")
            else:
                parts.append(re.escape(piece))
        return re.compile("".join(parts))

    def find(self, folder: Path) -> Iterator[NameMatch]:
        """Yield the files in a folder whose names fit, in order."""
        pattern = "".join("*" if _PIECE.fullmatch(piece) else piece for piece in self._pieces)
        for path in sorted(folder.glob(pattern)):
            match = self._regex.fullmatch(path.relative_to(folder).as_posix())
            if match is not None and path.is_file():
                named = match.re.groupindex.values()
                stars = [text for n, text in enumerate(match.groups(), 1) if n not in named]
                yield NameMatch(path, match.groupdict(), tuple(stars))

    def fill(self, match: NameMatch) -> str:
        """Return the name that this pattern gives with the texts of another pattern.

        Raises:
            SampleError: it has a field or ``*`` that the other one lacks.
        """
        stars, name = list(match.stars), ""
        for piece in self._pieces:
            try:
                if piece == "*":
                    name += stars.pop(0)
                else:
                    name += match.fields[piece[1:-1]] if piece.startswith("{") else piece
            except (KeyError, IndexError) as error:
                raise SampleError(
                    f"truth pattern '{self.text}': has a field or * that the pattern of the "
                    "reconstruction lacks; expected the same ones. Correct it."
                ) from error
        return name
