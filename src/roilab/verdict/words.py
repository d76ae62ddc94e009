"""Sentences about where a network is better or worse, and by how much."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from roilab.types import Row
from roilab.verdict.rule import CLASSICAL, NETWORK, Difference, Outcome, Place, number

# Words of the first outcome in a sentence, and of the following ones, in the order of naming.
_WORDS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.BETTER: ("better than gauss", "better"),
    Outcome.EQUAL: ("equal to gauss within errors", "equal within errors"),
    Outcome.MIXED: ("better and worse than gauss", "better and worse"),
    Outcome.WORSE: ("worse than gauss", "worse"),
    Outcome.UNKNOWN: ("not compared with gauss", "not compared"),
}


def describe_places(places: Sequence[Place]) -> str:
    """Return sentences on all places; a count comes first where they are in several groups."""
    groups = [list(group) for _, group in groupby(places, key=lambda place: place.group)]
    if len(groups) == 1:
        return _capital(_describe_angles(groups[0]))
    samples = len({place.sample for place in places}) > 1
    each = [f"{_title(group[0], samples)}: {_describe_angles(group)}" for group in groups]
    return " ".join([_count(places), *each])


def describe_purity(rows: Iterable[Row]) -> str:
    """Return a sentence on the ROI purity; empty where it is not known."""
    purity: dict[str, list[float]] = {NETWORK: [], CLASSICAL: []}
    for row in rows:
        value = number(row.get("roi_purity"))
        if row.get("method") in purity and not math.isnan(value):
            purity[row["method"]].append(value)
    if not all(purity.values()):
        return ""
    network, gauss = (f"{sum(values) / len(values):.2f}" for values in purity.values())
    return f"ROI purity {network} against {gauss} (means)."


def _count(places: Sequence[Place]) -> str:
    """Return at how many places each outcome is found."""
    outcomes = [place.outcome for place in places]
    found = [outcome for outcome in _WORDS if outcome in outcomes]
    parts = [
        f"{_WORDS[outcome][min(n, 1)]} at {outcomes.count(outcome)}"
        + (f" of {len(places)} places (plane, sample, energy, angle)" if n == 0 else "")
        for n, outcome in enumerate(found)
    ]
    return _capital(", ".join(parts)) + "."


def _title(place: Place, samples: bool) -> str:
    """Return the name of a group."""
    parts = [f"plane {place.plane}"] + ([f"sample {place.sample}"] if samples else [])
    parts += [] if place.energy is None else [f"{place.energy:g} MeV"]
    return _capital(", ".join(parts))


def _describe_angles(places: Sequence[Place]) -> str:
    """Return a sentence, without capital, on the angles of one group."""
    # Neighbouring angles with the same outcome.
    ranges = [
        (outcome, list(one)) for outcome, one in groupby(places, key=lambda place: place.outcome)
    ]
    clauses: list[str] = []
    for outcome, words in _WORDS.items():
        found = [one for other, one in ranges if other is outcome]
        if found:
            text = (
                f"{words[min(len(clauses), 1)]} at {_and([_angles(one) for one in found])} degrees"
            )
            clauses.append(text + _evidence([place for one in found for place in one], outcome))
    return ", ".join(clauses) + "."


def _angles(places: Sequence[Place]) -> str:
    first, last = places[0].theta_xz, places[-1].theta_xz
    return f"{first:g}" if first == last else f"{first:g} to {last:g}"


def _evidence(places: Sequence[Place], outcome: Outcome) -> str:
    """Return the differences that count, in brackets, at the angle with the largest one."""
    if outcome is Outcome.UNKNOWN:
        return " (too few tracks for statistical errors)"
    if outcome is Outcome.EQUAL:
        return ""
    place = max(places, key=lambda one: max(abs(each.gain) for each in one.differences))
    better = [_values(each) for each in place.differences if each.gain > 0]
    worse = [_values(each) for each in place.differences if each.gain < 0]
    where = f"at {place.theta_xz:g} degrees " if len(places) > 1 else ""
    return f" ({where}{', but '.join(', '.join(part) for part in (better, worse) if part)})"


def _values(one: Difference) -> str:
    return f"{one.name} {_percent(one, one.network)} against {_percent(one, one.gauss)}"


def _percent(one: Difference, value: float) -> str:
    digits = 1 if abs(value) < 10 else 0
    return f"{value:{'+' if one.name == 'bias' else ''}.{digits}f} %"


def _and(texts: Sequence[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
