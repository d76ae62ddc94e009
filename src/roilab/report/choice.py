"""Which of several runs to take, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from roilab.report.run_record import RunRecord
from roilab.verdict import Kind

_BEST_FIRST = (Kind.BETTER, Kind.EQUAL, Kind.MIXED, Kind.WORSE)
_SHOWN = 3  # names in a sentence


@dataclass(frozen=True)
class Choice:
    """The run to take, if there is one, and one sentence on it."""

    sentence: str
    run: RunRecord | None = None

    @property
    def colour(self) -> str:
        """Class of the style sheet."""
        kind = self.run.verdict.kind if self.run is not None and self.run.verdict else None
        return {Kind.BETTER: "green", None: ""}.get(kind, "amber")


def choose_run(runs: Sequence[RunRecord], name: Callable[[RunRecord], str]) -> Choice:
    """Choose by the verdict, then by the charge error; without a sample by Dice.

    Runs of different detectors, or evaluated on different samples, are not compared.

    Args:
        runs: of a sweep, or any.
        name: of a run, in the sentence.
    """
    done = [run for run in runs if run.state == "finished"]
    if len(done) < 2:
        return Choice(f"Nothing to choose: {len(done)} of {len(runs)} runs are finished.")
    if mixed := different_detectors(done):
        return Choice(mixed)
    judged = [run for run in done if run.verdict and run.verdict.kind in _BEST_FIRST]
    if not judged:
        return _by_dice(done, name)
    if mixed := _different_samples(judged, name):
        return Choice(mixed)
    best = min(judged, key=_rank)
    assert best.verdict is not None
    kind = best.verdict.kind
    if kind is Kind.WORSE:
        return Choice(f"Take none: all {len(judged)} are worse than gauss.")
    rivals = [run for run in judged if run.verdict and run.verdict.kind is kind]
    sentence = f"Take this one: {name(best)}, because " + _reason(best, rivals, judged, kind)
    left = [run for run in done if run not in judged]
    return Choice(sentence + _without_sample(left, name), best)


def _rank(run: RunRecord) -> tuple[int, float]:
    assert run.verdict is not None
    error = run.charge_error
    return _BEST_FIRST.index(run.verdict.kind), float("inf") if error is None else error


def _reason(
    best: RunRecord, rivals: Sequence[RunRecord], judged: Sequence[RunRecord], kind: Kind
) -> str:
    words = {Kind.BETTER: "better than gauss", Kind.EQUAL: "equal to gauss within errors"}
    verdict = words.get(kind, "better than gauss in part, worse in part")
    if len(rivals) == 1 and len(judged) > 1:
        return f"of {len(judged)} it alone is {verdict}."
    if best.charge_error is None:
        return f"it is {verdict}."
    second = sorted(run.charge_error for run in rivals if run.charge_error is not None)[1:2]
    next_one = f" (the next has {second[0]:.3g} %)" if second else ""
    return (
        f"it has the smallest charge error, {best.charge_error:.3g} %{next_one}, of the "
        f"{len(rivals)} runs that are {verdict}."
    )


def _by_dice(done: Sequence[RunRecord], name: Callable[[RunRecord], str]) -> Choice:
    known = [(dice, run) for run in done if (dice := run.metric("dice")) is not None and dice > 0]
    if not known:
        return Choice("Take none: no run marks true pixels of its validation events.")
    dice, best = max(known, key=lambda pair: pair[0])
    return Choice(
        f"Not known which one is better than gauss: no run was evaluated on a sample of known "
        f"angle. On validation events {name(best)} has the highest Dice, {dice:.3f}; Dice of "
        "different truth masks (rebin, threshold, padding) compares only roughly.",
        best,
    )


def different_detectors(runs: Sequence[RunRecord]) -> str:
    """Return a sentence where runs are of different detectors, else nothing."""
    names = sorted({str(run.choices["detector"]) for run in runs if run.choices.get("detector")})
    if len(names) < 2:
        return ""
    return (
        f"Not compared: the runs are of different detectors ({', '.join(names)}), whose numbers do "
        "not compare. Name the runs of one detector."
    )


def _different_samples(judged: Sequence[RunRecord], name: Callable[[RunRecord], str]) -> str:
    columns = ("sample", "plane", "energy", "theta_xz")
    places = {
        frozenset(tuple(str(row.get(column) or "") for column in columns) for row in run.physics)
        for run in judged
    }
    if len(places) == 1:
        return ""
    return (
        f"Not compared: the runs were evaluated on {len(places)} different sets of samples, planes "
        f"and angles (such as {_few(judged, name)}). Evaluate them on the same samples: roilab "
        "evaluate network=RUN sample=SAMPLE output_dir=RUN/evaluation."
    )


def _without_sample(left: Sequence[RunRecord], name: Callable[[RunRecord], str]) -> str:
    if not left:
        return ""
    verb = "was" if len(left) == 1 else "were"
    return f" Not among these: {_few(left, name)}, which {verb} not compared with gauss."


def _few(runs: Sequence[RunRecord], name: Callable[[RunRecord], str]) -> str:
    more = f" and {len(runs) - _SHOWN} more" if len(runs) > _SHOWN else ""
    return ", ".join(map(name, runs[:_SHOWN])) + more
