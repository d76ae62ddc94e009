"""The verdict: one word and a sentence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from roilab.types import Row
from roilab.verdict.rule import NETWORK, Outcome, Place, compare_places, number
from roilab.verdict.words import describe_places, describe_purity

_GET_SAMPLE = (
    "Make one: roilab simulate simulation=tracks output_dir=TRACKS; then train with "
    "data.samples=[TRACKS], or evaluate: roilab evaluate network=RUN sample=TRACKS "
    "output_dir=RUN/evaluation."
)


class Kind(Enum):
    """The verdict in a word or two."""

    BETTER = "better"
    EQUAL = "equal"
    MIXED = "mixed"
    WORSE = "worse"
    MARKS_NOTHING = "marks nothing"
    NO_SAMPLE = "no sample"


@dataclass(frozen=True)
class Verdict:
    """Whether a network is better than classical ROIs (``gauss``).

    Attributes:
        kind: in a word or two.
        sentence: where, and by how much, in plain words.
    """

    kind: Kind
    sentence: str

    @property
    def colour(self) -> str:
        """Colour in which it is shown; empty for a verdict that is neither good nor bad."""
        bad = (Kind.WORSE, Kind.MARKS_NOTHING)
        return "green" if self.kind is Kind.BETTER else "red" if self.kind in bad else ""

    @property
    def failed(self) -> bool:
        """Whether the network is of no use at all."""
        return self.kind is Kind.MARKS_NOTHING

    def plain(self) -> dict[str, str]:
        """Return ``kind`` and ``sentence`` as texts."""
        return {"kind": self.kind.value, "sentence": self.sentence}

    @classmethod
    def from_plain(cls, content: Any) -> "Verdict | None":
        """Return a verdict that came out of a file; ``None`` where it holds none."""
        try:
            return cls(Kind(content["kind"]), str(content["sentence"]))
        except (KeyError, TypeError, ValueError):
            return None

    def __str__(self) -> str:
        return f"{self.kind.value}. {self.sentence}"


def compare_with_gauss(rows: Sequence[Row]) -> Verdict:
    """Return the verdict of a table of charge metrics, by the rule in ``roilab.verdict.rule``.

    Args:
        rows: of all methods, cells as numbers or as text.
    """
    places = compare_places(rows)
    found = {place.outcome for place in places} - {Outcome.UNKNOWN}
    lost = [number(row.get("inefficiency")) for row in rows if row.get("method") == NETWORK]
    lost = [value for value in lost if not math.isnan(value)]
    if lost and min(lost) >= 100:
        return Verdict(
            Kind.MARKS_NOTHING,
            "The network finds no charge on any channel of the sample (inefficiency 100 %): do not "
            "use it. Train longer, or on more images.",
        )
    if not places:
        return Verdict(
            Kind.NO_SAMPLE,
            "Not compared with gauss: the network was not evaluated on a sample of tracks of "
            f"known angle. {_GET_SAMPLE}",
        )
    if not found:
        return Verdict(
            Kind.NO_SAMPLE,
            "Not compared with gauss: no angle has statistical errors; evaluate on a sample with "
            "several tracks of every angle.",
        )
    return Verdict(_kind(found), _sentence(places, rows))


def _sentence(places: Sequence[Place], rows: Sequence[Row]) -> str:
    return f"{describe_places(places)} {describe_purity(rows)}".rstrip()


def _kind(found: set[Outcome]) -> Kind:
    """Return the verdict on all places: better or worse only if no place contradicts."""
    apart = found - {Outcome.EQUAL}
    if not apart:
        return Kind.EQUAL
    if apart == {Outcome.BETTER}:
        return Kind.BETTER
    return Kind.WORSE if apart == {Outcome.WORSE} else Kind.MIXED


def judge_training(
    rows: Sequence[Row], metrics: Mapping[str, float | None], point: Mapping[str, Any]
) -> Verdict:
    """Return the verdict on a training: whether it marks anything, then charge against gauss.

    Args:
        rows: table of charge metrics; empty without a sample.
        metrics: of the validation, ``val/dice`` and ``val/loss``; ``None`` is NaN, as in JSON.
        point: its mask threshold, see ``roilab.inference.WorkingPoint.plain``.
    """
    failure = _failure(metrics, point)
    if failure is None:
        return compare_with_gauss(rows)
    return Verdict(Kind.MARKS_NOTHING, failure)


def _failure(metrics: Mapping[str, float | None], point: Mapping[str, Any]) -> str | None:
    """Return why the masks of the validation are useless; ``None`` where they are not."""
    if "val/loss" in metrics and math.isnan(number(metrics["val/loss"])):
        return (
            "The network returns NaN: do not use it. Lower optimizer.lr, or train in "
            "trainer.precision=32-true."
        )
    dice = number(metrics.get("val/dice", 1.0))
    if dice > 0:
        return None
    if math.isnan(dice):  # 2 * 0 / (0 + 0): neither mask has a pixel
        return (
            "The validation images have no true pixel, and the network marks none: check "
            "data.truth, data.threshold and data.val_files."
        )
    thresh = point.get("mask_thresh")
    scan: Sequence[Row] = point.get("scan") or ()
    marked = [row.get("marked") for row in scan if row.get("mask_thresh") == thresh]
    where = "" if thresh is None else f" (mask threshold {thresh:g})"
    advice = "do not use the network. Train longer, on more images, or with another loss."
    if marked == [0]:
        return f"The network marks no pixel of the validation images{where}: {advice}"
    return f"The network marks no true pixel of the validation images, Dice 0{where}: {advice}"
