"""Changes of the charge metrics under a variation, of networks and classical ROIs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from roilab.types import Row
from roilab.verdict.rule import CLASSICAL

NOMINAL = "nominal"
_PLACE = ("plane", "theta_xz", "energy")


def changes(tables: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Compare the charge metrics of every variation with those of the nominal detector.

    Args:
        tables: rows of the charge metrics, with the columns ``name`` (of a network, or
            ``gauss``), ``plane``, ``theta_xz``, ``energy``, ``bias`` and ``inefficiency``, by the
            name of the variation, with ``NOMINAL`` among them. The angles are the same in all.

    Returns:
        One row for every name and variation: ``charge_shift``, the mean over all angles of the
        relative change of the measured charge, ``|(100 + bias) / (100 + nominal bias) - 1|`` [%]
        (a difference of biases would be small wherever most of the charge is lost);
        ``inefficiency_rise``, the mean of the inefficiency minus the nominal one [percent points];
        ``angles``, those with a bias in both. A shift is NaN where no angle has one.
    """
    nominal = {_key(row): row for row in tables[NOMINAL]}
    names = list(dict.fromkeys(str(row["name"]) for row in tables[NOMINAL]))
    found = []
    for variation, rows in tables.items():
        if variation == NOMINAL:
            continue
        for name in names:
            pairs = [(row, nominal[_key(row)]) for row in rows if row["name"] == name]
            shifts = _defined(_relative_change(*pair) for pair in pairs)
            rises = _defined(
                varied["inefficiency"] - base["inefficiency"] for varied, base in pairs
            )
            found.append({
                "name": name,
                "variation": variation,
                "charge_shift": fmean(shifts) if shifts else math.nan,
                "inefficiency_rise": fmean(rises) if rises else math.nan,
                "angles": len(shifts),
            })  # fmt: skip
    return found


def steadier(rows: Sequence[Row], name: str) -> tuple[list[str], list[str]]:
    """Return the variations under which a network changes less than classical ROIs, and the others.

    It changes less where neither charge nor inefficiency changes more, and one of them less. NaN is
    the largest shift.
    """
    by_key = {(row["name"], row["variation"]): row for row in rows}
    less: list[str] = []
    others: list[str] = []
    for variation in dict.fromkeys(str(row["variation"]) for row in rows):
        own, classical = by_key[name, variation], by_key[CLASSICAL, variation]
        pairs = [(_size(own[key]), _size(classical[key])) for key in _COMPARED]
        is_less = all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
        (less if is_less else others).append(variation)
    return less, others


_COMPARED = ("charge_shift", "inefficiency_rise")


def _key(row: Row) -> tuple[object, ...]:
    return (row["name"], *(row[column] for column in _PLACE))


def _relative_change(varied: Row, nominal: Row) -> float:
    """Return the relative change of the measured charge [%], without sign."""
    charge = 100 + nominal["bias"]
    return abs(100 * (varied["bias"] - nominal["bias"]) / charge) if charge else math.nan


def _defined(values: Iterable[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def _size(value: float) -> float:
    return math.inf if math.isnan(value) else value
