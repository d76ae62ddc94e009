"""Errors of the public API, and names that a mistyped one may mean."""

from collections.abc import Iterable
from difflib import get_close_matches

from roilab.errors import RoilabError


class ApiError(RoilabError):
    """An argument of a function of the public API does not fit."""


def expected_names(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message: the known name closest to ``name``, or all of them."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"expected one of {', '.join(names)}."
