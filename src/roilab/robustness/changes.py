"""Changes of the charge metrics under a variation, of networks and classical ROIs."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from roilab.types import Row

NOMINAL = "nominal"
CLASSICAL = "gauss"
_PLACE = ("plane", "theta_xz", "energy")


def changes(tables: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Compare the charge metrics of every variation with those of the nominal detector.

    Args:
        tables: rows of the charge metrics, with the columns ``name`` (of a network, or
            ``gauss``), ``plane``, ``theta_xz``, ``energy``, ``bias`` and ``inefficiency``, by the
            name of the variation, with ``NOMINAL`` among them. The angles are the same in all.

    Returns:
        One row for every name and variation: ``bias_shift``, the mean over all angles of
        ``|bias - nominal bias|``; ``inefficiency_rise``, the mean of the inefficiency minus the
        nominal one [both in percent points]; ``angles``, those with a bias in both. A shift is NaN
        where no angle has one.
    """
    nominal = {_key(row): row for row in tables[NOMINAL]}
    names = list(dict.fromkeys(str(row["name"]) for row in tables[NOMINAL]))
    found = []
    for variation, rows in tables.items():
        if variation == NOMINAL:
            continue
        for name in names:
            pairs = [(row, nominal[_key(row)]) for row in rows if row["name"] == name]
            shifts = _differences(pairs, "bias")
            rises = _differences(pairs, "inefficiency")
            found.append({
                "name": name,
                "variation": variation,
                "bias_shift": fmean(map(abs, shifts)) if shifts else math.nan,
                "inefficiency_rise": fmean(rises) if rises else math.nan,
                "angles": len(shifts),
            })  # fmt: skip
    return found


def steadier(rows: Sequence[Row], name: str) -> tuple[list[str], list[str]]:
    """Return the variations under which a network changes less than classical ROIs, and the others.

    It changes less where neither bias nor inefficiency changes more, and one of them less. A shift
    that is NaN is the largest.
    """
    by_key = {(row["name"], row["variation"]): row for row in rows}
    less, others = [], []
    for variation in dict.fromkeys(str(row["variation"]) for row in rows):
        own, classical = by_key[name, variation], by_key[CLASSICAL, variation]
        pairs = [(_size(own[key]), _size(classical[key])) for key in _COMPARED]
        is_less = all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
        (less if is_less else others).append(variation)
    return less, others


_COMPARED = ("bias_shift", "inefficiency_rise")


def _key(row: Row) -> tuple[object, ...]:
    return (row["name"], *(row[column] for column in _PLACE))


def _differences(pairs: Sequence[tuple[Row, Row]], column: str) -> list[float]:
    """Return varied minus nominal values, where both exist."""
    differences = (float(varied[column]) - float(nominal[column]) for varied, nominal in pairs)
    return [difference for difference in differences if not math.isnan(difference)]


def _size(value: float) -> float:
    return math.inf if math.isnan(value) else value
