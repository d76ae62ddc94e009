"""Short answers at the top of a run's page: better than gauss, where not, threshold, delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from roilab.report.run_record import RunRecord
from roilab.verdict import Kind, Verdict
from roilab.verdict.rule import Outcome, Place, compare_places

_LOST = (Outcome.WORSE, Outcome.MIXED)
_COLOURS = {Kind.MIXED: "amber", Kind.EQUAL: "amber"}


@dataclass(frozen=True)
class Answer:
    """A question of the reader, its answer, and the section with more about it."""

    question: str
    text: str
    section: str


def verdict_colour(verdict: Verdict) -> str:
    """Return the class of the style sheet for a verdict: green, amber, red, or none."""
    return verdict.colour or _COLOURS.get(verdict.kind, "")


def verdict_sentences(verdict: Verdict) -> list[str]:
    """Split a verdict on several samples: a count, then a sentence for every sample and plane."""
    parts = verdict.sentence.replace(". Plane ", ".\nPlane ").replace(
        ". ROI purity ", ".\nROI purity "
    )
    return parts.split("\n") if ".\nPlane " in parts else [verdict.sentence]


def answer_questions(run: RunRecord, sections: Sequence[str]) -> list[Answer]:
    """Answer what a reader asks first; none for a run without verdict.

    Args:
        run: the run.
        sections: ids of the page's sections; an answer has no link to one that is absent.
    """
    if run.verdict is None:
        return []
    answers = [
        Answer("Better than gauss?", _better(run.verdict, run), "physics"),
        Answer("Where not?", _where_not(run.verdict, run), "physics"),
        Answer("Which mask threshold?", _threshold(run), "threshold"),
        Answer("How to deploy?", _deploy(run), "deploy"),
    ]
    return [
        one if one.section in sections else Answer(one.question, one.text, "") for one in answers
    ]


def _better(verdict: Verdict, run: RunRecord) -> str:
    match verdict.kind:
        case Kind.MARKS_NOTHING:
            return "No: it finds nothing. Do not use it."
        case Kind.NO_SAMPLE:
            return "Not known: no sample of known angle was evaluated."
        case Kind.BETTER:
            return "Yes."
        case Kind.WORSE:
            return "No."
        case Kind.EQUAL:
            return "Equal within errors."
    places = compare_places(run.physics)
    won = sum(place.outcome is Outcome.BETTER for place in places)
    return f"In part: at {won} of {len(places)} places."


def _where_not(verdict: Verdict, run: RunRecord) -> str:
    if verdict.kind is Kind.NO_SAMPLE:
        return "Not known."
    if verdict.kind is Kind.MARKS_NOTHING:
        return "Everywhere."
    places = compare_places(run.physics)
    groups = [list(group) for _, group in groupby(places, key=lambda place: place.group)]
    texts = [text for group in groups if (text := _lost_angles(group))]
    lost = f"Worse: {'; '.join(texts)}." if texts else "Nowhere worse, within errors."
    equal = sum(place.outcome is Outcome.EQUAL for place in places)
    return lost + (f" Equal within errors at {equal} of {len(places)} places." if equal else "")


def _lost_angles(places: Sequence[Place]) -> str:
    """Return sample, plane and the angles at which the network is worse; empty without any."""
    ranges = [
        list(one) for lost, one in groupby(places, key=lambda place: place.outcome in _LOST) if lost
    ]
    if not ranges:
        return ""
    angles = [
        f"{one[0].theta_xz:g}" + (f" to {one[-1].theta_xz:g}" if len(one) > 1 else "")
        for one in ranges
    ]
    place = places[0]
    name = f"{place.sample} {place.plane}".strip()
    energy = "" if place.energy is None else f" of {place.energy:g} MeV"
    return f"{name}{energy}: {', '.join(angles)} degrees"


def _threshold(run: RunRecord) -> str:
    if run.mask_thresh is None:
        return "Not recorded."
    return f"mask_thresh {run.mask_thresh:g}; the exported files already contain it."


def _deploy(run: RunRecord) -> str:
    if run.verdict is not None and run.verdict.failed:
        return "Not this network."
    if (run.folder / "model.ts").is_file():
        job = "Import dnnroi.jsonnet in the wire-cell job; it loads model.ts."
        return f"{job} Both lie beside this page."
    return "Export it first."
