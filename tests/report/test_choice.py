"""Which run to take."""

from pathlib import Path

import pytest

from roilab.report.choice import choose_run
from roilab.report.pareto import pareto_front
from roilab.report.run_record import RunRecord
from roilab.verdict import Kind

ROWS = {  # inefficiency of network and gauss, with errors far below the differences
    Kind.BETTER: (1.0, 50.0),
    Kind.EQUAL: (20.0, 20.0),
    Kind.WORSE: (50.0, 1.0),
}


def judged(
    name: str, kind: Kind, bias: float, *, angle: str = "80", detector: str = ""
) -> RunRecord:
    """Return a finished run whose table of charge metrics gives the verdict and charge error."""
    values = zip(("dnn", "gauss"), ROWS[kind], strict=True)
    rows = [
        {"sample": "tracks", "plane": "V", "theta_xz": angle, "method": method, "bias": str(bias)}
        | {f"inefficiency{end}": str(value + error)
           for end, error in (("", 0), ("_low", -0.5), ("_high", 0.5))}
        for method, value in values
    ]  # fmt: skip
    choices = {"detector": detector} if detector else {}
    return RunRecord(Path(name), choices=choices, status={"state": "finished"}, physics=rows)


def unjudged(name: str, dice: float) -> RunRecord:
    results = {"metrics": {"val/dice": dice, "val/loss": 0.1}}
    return RunRecord(Path(name), status={"state": "finished", "results": results})


def name(run: RunRecord) -> str:
    return run.folder.name


@pytest.mark.parametrize(
    ("runs", "sentence", "chosen"),
    [
        (
            [judged("a", Kind.BETTER, 5), judged("b", Kind.BETTER, -2), judged("c", Kind.WORSE, 0)],
            "Take this one: b, because it has the smallest charge error, 2 % (the next has 5 %), "
            "of the 2 runs that are better than gauss.",
            "b",
        ),
        (
            [judged("a", Kind.EQUAL, 0), judged("b", Kind.BETTER, 9), unjudged("c", 0.9)],
            "Take this one: b, because of 2 it alone is better than gauss. Not among these: c, "
            "which was not compared with gauss.",
            "b",
        ),
        (
            [judged("a", Kind.WORSE, 0), judged("b", Kind.WORSE, 9)],
            "Take none: all 2 are worse than gauss.",
            None,
        ),
        (
            [unjudged("a", 0.5), unjudged("b", 0.75)],
            "Not known which one is better than gauss: no run was evaluated on a sample of known "
            "angle. On validation events b has the highest Dice, 0.750; Dice of different truth "
            "masks (rebin, threshold, padding) compares only roughly.",
            "b",
        ),
        (
            [unjudged("a", 0.0), unjudged("b", 0.0)],
            "Take none: no run marks true pixels of its validation events.",
            None,
        ),
        (
            [judged("a", Kind.BETTER, 5), judged("b", Kind.BETTER, 2, angle="60")],
            "Not compared: the runs were evaluated on 2 different sets of samples, planes and "
            "angles (such as a, b). Evaluate them on the same samples: roilab evaluate network=RUN "
            "sample=SAMPLE output_dir=RUN/evaluation.",
            None,
        ),
        (
            [
                judged("a", Kind.BETTER, 5, detector="pdhd"),
                judged("b", Kind.BETTER, 2, detector="x"),
            ],
            "Not compared: the runs are of different detectors (pdhd, x), whose numbers do not "
            "compare. Name the runs of one detector.",
            None,
        ),
        ([judged("a", Kind.BETTER, 5)], "Nothing to choose: 1 of 1 runs are finished.", None),
    ],
)  # fmt: skip
def test_choice(runs: list[RunRecord], sentence: str, chosen: str | None) -> None:
    choice = choose_run(runs, name)
    assert choice.sentence == sentence
    assert (choice.run.folder.name if choice.run else None) == chosen


def test_pareto_front_by_comparison_of_all_pairs() -> None:
    points = [(3.0, 1.0, "a"), (1.0, 3.0, "b"), (2.0, 2.0, "c"), (2.0, 4.0, "d"), (3.0, 1.5, "e")]
    unbeaten = {
        label
        for cost, error, label in points
        if not any(c <= cost and e <= error and other != label for c, e, other in points)
    }
    assert {label for _, _, label in pareto_front(points)} == unbeaten == {"a", "b", "c"}
