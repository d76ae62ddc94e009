"""Differences of two runs: configuration, code, data, metrics, epochs, time and memory."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roilab.report.differences import ABSENT, all_settings, is_moved
from roilab.report.run_record import RunRecord
from roilab.report.swept_settings import is_place, value_text

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Line:
    """One fact of two runs.

    Attributes:
        name: of the fact.
        one: its value in the first run, as text.
        two: its value in the second run, as text.
        change: second minus first, for numbers; empty for others.
    """

    name: str
    one: str
    two: str
    change: str = ""


@dataclass(frozen=True)
class Comparison:
    """Facts of two runs by subject; a subject with an empty list does not differ.

    Attributes:
        differences: by subject (configuration, code, data, results), of those both recorded.
        places: settings that only say where a run reads and writes.
        costs: time, memory and machine, which are never the same.
        verdicts: on both networks, as text.
        problems: what could not be compared, a sentence each.
    """

    differences: Mapping[str, list[Line]]
    places: list[Line]
    costs: list[Line]
    verdicts: tuple[str, str]
    problems: list[str]

    @property
    def equal(self) -> bool:
        """Whether nothing differs that changes the result."""
        return not any(self.differences.values())


def compare_runs(one: RunRecord, two: RunRecord) -> Comparison:
    """Compare two runs.

    Values of the configuration stay as they were written: interpolations, such as those of
    environment variables, are not resolved.
    """
    settings, places = _compare_settings(all_settings(one), all_settings(two))
    differences = {"configuration": settings} if all_settings(one) and all_settings(two) else {}
    for subject, facts in (("code", _code), ("data", _data)):
        ours, theirs = facts(one), facts(two)
        if ours and theirs:
            differences[subject] = _differing(ours, theirs)
    differences["results"] = _compare_results(_results(one), _results(two))
    costs = _lines(_costs(one), _costs(two))
    verdicts = (_verdict(one), _verdict(two))
    return Comparison(differences, places, costs, verdicts, _problems(one, two))


def _verdict(run: RunRecord) -> str:
    return str(run.verdict or NOT_RECORDED)


def _compare_settings(
    one: Mapping[str, Any], two: Mapping[str, Any]
) -> tuple[list[Line], list[Line]]:
    """Return the settings that differ: those that change a result, and places."""
    settings: list[Line] = []
    places: list[Line] = []
    for line in _differing(one, two):
        moved = is_moved([one.get(line.name), two.get(line.name)])
        (places if is_place(line.name) or moved else settings).append(line)
    return settings, places


def _code(run: RunRecord) -> dict[str, Any]:
    """Return versions and commit, of the status or, in older runs, of the exported file."""
    source = run.status if run.status.get("versions") else run.exported
    versions = source.get("versions") or {}
    return {**versions, "commit": source.get("git_commit")} if versions else {}


def _data(run: RunRecord) -> dict[str, Any]:
    counts = run.results.get("data") or {}
    return {f"{stage} {what}": n for stage, each in counts.items() for what, n in each.items()}


def _compare_results(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[Line]:
    """Return all metrics and epochs where one of them differs; else nothing."""
    return _lines(one, two) if _differing(one, two) else []


def _results(run: RunRecord) -> dict[str, Any]:
    metrics = dict(run.results.get("metrics") or {})
    if not metrics:
        names = sorted(name.partition("/")[2] for name in run.curves if name.startswith("val/"))
        metrics = {f"val/{name}": run.metric(name) for name in names}
    facts: dict[str, Any] = {"state": run.state, "epochs": run.epochs, "best epoch": run.best_epoch}
    facts |= {"verdict": run.verdict.kind.value if run.verdict else None}
    facts |= {"parameters": run.results.get("parameters"), "mask_thresh": run.mask_thresh}
    facts |= dict(sorted(metrics.items()))
    return {name: value for name, value in facts.items() if value is not None}


def _costs(run: RunRecord) -> dict[str, Any]:
    memory = run.results.get("memory_mb") or {}
    costs = {
        "time [s]": run.status.get("seconds"),
        **{f"peak memory of the {place} [MB]": value for place, value in memory.items()},
        "processes": run.status.get("processes"),
        "machine": run.status.get("host"),
    }
    return {name: value for name, value in costs.items() if value is not None}


def _problems(one: RunRecord, two: RunRecord) -> list[str]:
    problems = []
    for run in (one, two):
        parts = {"configuration": run.config, "versions": _code(run), "data": _data(run)}
        missing = [name for name, part in parts.items() if not part]
        if missing:
            problems.append(f"{run.folder}: {', '.join(missing)} {NOT_RECORDED}.")
        if run.problem:
            problems.append(run.problem)
    return problems


def _differing(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[Line]:
    """Return the facts that differ; none where a run recorded nothing of this kind."""
    if not (one and two):
        return []
    return _lines(*({k: facts[k] for k in facts if not _same(one, two, k)} for facts in (one, two)))


def _same(one: Mapping[str, Any], two: Mapping[str, Any], key: str) -> bool:
    if key not in one or key not in two:
        return False
    a, b = one[key], two[key]
    return bool(a == b) or (_is_nan(a) and _is_nan(b))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _lines(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[Line]:
    lines = []
    for key in dict.fromkeys([*one, *two]):
        a, b = one.get(key), two.get(key)
        ours, theirs = _text(one, key), _text(two, key)
        if ours == theirs and not _same(one, two, key):
            ours, theirs = repr(a), repr(b)  # the difference is beyond the shown digits
        lines.append(Line(key, ours, theirs, _change(a, b)))
    return lines


def _text(facts: Mapping[str, Any], key: str) -> str:
    return value_text(facts[key]) if key in facts else ABSENT


def _change(one: Any, two: Any) -> str:
    numbers = [isinstance(v, int | float) and not isinstance(v, bool) for v in (one, two)]
    return f"{two - one:+.4g}" if all(numbers) and one != two else ""
