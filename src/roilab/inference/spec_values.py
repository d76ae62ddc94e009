"""Meaningful values of the settings of a network, also in metadata that others wrote."""

import math
from collections.abc import Callable
from typing import Any


def expected_value(key: str, value: Any) -> str:
    """Return what is expected of a setting of ``NetworkSpec``; empty where ``value`` fits."""
    fits, expected = _EXPECTED[key]
    return "" if fits(value) else expected


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of_tags(value: Any) -> bool:
    return isinstance(value, list | tuple) and value != [] and all(map(_is_text, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "layers": (_is_list_of_tags, "a list of tags"),
    "rebin": (lambda value: _is_count(value) and value > 0, "an integer of at least 1"),
    "input_scale": (lambda value: _is_number(value) and value != 0, "a number other than 0"),
    "mask_thresh": (lambda value: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    "threshold": (_is_number, "a number of electrons per tick"),
    "pad": (_is_count, "an integer of at least 0"),
    "pad_unit": (lambda value: value in ("bins", "ticks"), "bins or ticks"),
}
