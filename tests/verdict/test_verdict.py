"""The verdict against tables made by hand."""

import math
from pathlib import Path
from typing import Any

import pytest

from roilab.verdict import (
    Kind,
    Outcome,
    PhysicsTableError,
    Verdict,
    compare_places,
    compare_with_gauss,
    judge_training,
    read_training_table,
)

Row = dict[str, Any]
# Value and error of every quantity, so that a test names only what matters to it.
SAME = {"bias": (-2, 0.5), "inefficiency": (1, 0.5), "resolution": (12, 1)}
POINT = {"mask_thresh": 0.5, "scan": [{"mask_thresh": 0.5, "marked": 0.0}]}


def row(
    method: str, theta_xz: float, *, plane: str = "V", energy: Any = None, **values: Any
) -> Row:
    """A row of a table: values and errors of the quantities, those of ``SAME`` by default."""
    made: Row = {"plane": plane, "sample": "tracks", "theta_xz": theta_xz, "energy": energy}
    made |= {"method": method, "roi_purity": 0.9 if method == "dnn" else 0.8}
    for name, (value, error) in {**SAME, **values}.items():
        made |= {name: value, f"{name}_low": value - error, f"{name}_high": value + error}
    return made


def pair(theta_xz: float, dnn: Any, gauss: Any, *, where: Any = None) -> list[Row]:
    """Rows of both methods at one angle."""
    where = where or {}
    return [row("dnn", theta_xz, **where, **dnn), row("gauss", theta_xz, **where, **gauss)]


def outcome(dnn: Any, gauss: Any) -> Outcome:
    (place,) = compare_places(pair(80, dnn, gauss))
    return place.outcome


@pytest.mark.parametrize(
    ("dnn", "gauss", "expected"),
    [
        ({}, {}, Outcome.EQUAL),
        ({"bias": (-3, 1)}, {"bias": (-65, 5)}, Outcome.BETTER),
        # The sign does not count, only the size.
        ({"bias": (21, 1)}, {"bias": (-2, 1)}, Outcome.WORSE),
        ({"bias": (4, 0.1)}, {"bias": (-4, 0.1)}, Outcome.EQUAL),
        # Errors 3 and 4 give 5 in quadrature: a difference must exceed 10.
        ({"bias": (-20, 3)}, {"bias": (-29.9, 4)}, Outcome.EQUAL),
        ({"bias": (-20, 3)}, {"bias": (-30.1, 4)}, Outcome.BETTER),
        # One point is the least difference, however small the error.
        ({"resolution": (11.1, 0)}, {"resolution": (12, 0)}, Outcome.EQUAL),
        ({"resolution": (10.9, 0)}, {"resolution": (12, 0)}, Outcome.BETTER),
        ({"bias": (-3, 1), "resolution": (30, 1)}, {"bias": (-65, 5)}, Outcome.MIXED),
        ({"inefficiency": (40, 2)}, {}, Outcome.WORSE),
        # Undefined for one of both: the others decide.
        ({"bias": (math.nan, math.nan), "inefficiency": (90, 2)}, {}, Outcome.WORSE),
        # A value without error, of one track in one block, is not compared.
        ({name: (0, math.nan) for name in SAME}, {}, Outcome.UNKNOWN),
    ],
)
def test_one_place(dnn: Any, gauss: Any, expected: Outcome) -> None:
    assert outcome(dnn, gauss) is expected


def test_errors_towards_each_other_count() -> None:
    dnn, gauss = pair(80, {"inefficiency": (0, 0)}, {"inefficiency": (10, 0)})
    # 0 -0 +4 and 10 -3 +9: the difference of 10 is twice hypot(4, 3).
    dnn |= {"inefficiency_low": 0, "inefficiency_high": 4}
    gauss |= {"inefficiency_low": 7, "inefficiency_high": 19}
    assert compare_places([dnn, gauss])[0].outcome is Outcome.EQUAL
    gauss |= {"inefficiency_low": 7.1}
    assert compare_places([dnn, gauss])[0].outcome is Outcome.BETTER
    # Of a negative bias, the upper bound is the one towards smaller sizes.
    dnn, gauss = pair(80, {}, {"bias": (-30, 1)})
    gauss |= {"bias_low": -90}
    assert compare_places([dnn, gauss])[0].outcome is Outcome.BETTER


def test_ranges_of_angles_in_a_sentence() -> None:
    rows = [
        *pair(85, {"bias": (-3, 1)}, {"bias": (-65, 5)}),  # the order of the rows does not matter
        *pair(0, {"bias": (-21, 1)}, {"bias": (2.1, 0.3)}),
        *[one for angle in (20, 40, 60) for one in pair(angle, {}, {})],
        *pair(70, {"bias": (-3, 1)}, {"bias": (-40, 5)}),
        *pair(80, {"bias": (-3, 1)}, {"bias": (-50, 5)}),
    ]
    verdict = compare_with_gauss(rows)
    assert verdict == Verdict(
        Kind.MIXED,
        "Better than gauss at 70 to 85 degrees (at 85 degrees bias -3.0 % against -65 %), equal "
        "within errors at 20 to 60 degrees, worse at 0 degrees (bias -21 % against +2.1 %). "
        "ROI purity 0.90 against 0.80 (means).",
    )
    assert verdict.colour == ""
    # Cells as a CSV file gives them, with an empty one for a missing energy and for NaN.
    texts = [{k: "" if v is None else str(v) for k, v in one.items()} for one in rows]
    assert compare_with_gauss(texts) == verdict
    # Ranges are apart where another outcome lies between.
    apart = compare_with_gauss([*pair(0, {}, {}), *rows[-2:], *pair(88, {}, {})])
    assert "equal within errors at 0 and 88 degrees" in apart.sentence


@pytest.mark.parametrize(
    ("places", "kind", "colour"),
    [
        ([{"bias": (-1, 0.1)}, {}], Kind.BETTER, "green"),
        ([{}, {}], Kind.EQUAL, ""),
        ([{"bias": (-9, 0.1)}, {}], Kind.WORSE, "red"),
        ([{"bias": (-9, 0.1)}, {"inefficiency": (0, 0.1)}], Kind.MIXED, ""),
        ([{"bias": (-9, 0.1), "inefficiency": (0, 0)}, {}], Kind.MIXED, ""),
    ],
)
def test_kind_of_several_places(places: list[Any], kind: Kind, colour: str) -> None:
    gauss = {"bias": (-5, 0.1), "inefficiency": (5, 0.1)}
    filled = [{**gauss, **dnn} for dnn in places]
    rows = [one for n, dnn in enumerate(filled) for one in pair(10 * n, dnn, gauss)]
    verdict = compare_with_gauss(rows)
    assert (verdict.kind, verdict.colour, verdict.failed) == (kind, colour, False)


def test_mixed_place_names_both_sides() -> None:
    rows = pair(80, {"bias": (-3, 1), "resolution": (30, 1)}, {"bias": (-65, 5)})
    assert compare_with_gauss(rows).sentence.startswith(
        "Better and worse than gauss at 80 degrees (bias -3.0 % against -65 %, but resolution 30 % "
        "against 12 %)."
    )


def test_planes_and_energies_are_told_apart() -> None:
    rows = [
        *pair(0, {"bias": (-9, 0.1)}, {}, where={"plane": "U"}),
        *pair(0, {}, {}, where={"energy": 500.0}),
        *pair(0, {}, {}),
        *pair(30, {}, {}),
    ]
    assert compare_with_gauss(rows).sentence.startswith(
        "Equal to gauss within errors at 3 of 4 places (plane, sample, energy, angle), worse at 1. "
        "Plane U: worse than gauss at 0 degrees (bias -9.0 % against -2.0 %). "
        "Plane V: equal to gauss within errors at 0 to 30 degrees. "
        "Plane V, 500 MeV: equal to gauss within errors at 0 degrees. ROI purity"
    )


def test_no_sample_and_useless_rows() -> None:
    for rows in ([], [row("gauss", 0)], [row("dnn", 0)], [{"method": "dnn"}, {"method": "gauss"}]):
        verdict = compare_with_gauss(rows)
        assert verdict.kind is Kind.NO_SAMPLE
        assert "simulation=tracks" in verdict.sentence
        assert "data.samples=[TRACKS]" in verdict.sentence
    alone = {name: (5, math.nan) for name in SAME}
    assert "several tracks" in compare_with_gauss(pair(0, alone, alone)).sentence
    # Such an angle beside others is named.
    rows = [*pair(0, alone, alone), *pair(80, {}, {})]
    assert "not compared at 0 degrees (too few tracks" in compare_with_gauss(rows).sentence


def test_all_channels_lost() -> None:
    lost = {"inefficiency": (100, 0), "bias": (math.nan, math.nan)}
    verdict = compare_with_gauss([*pair(0, lost, {}), *pair(80, lost, lost)])
    assert (verdict.kind, verdict.colour) == (Kind.MARKS_NOTHING, "red")
    # At one of two angles it is only worse there.
    assert compare_with_gauss([*pair(0, lost, {}), *pair(80, {}, {})]).kind is Kind.WORSE


@pytest.mark.parametrize(
    ("metrics", "point", "text"),
    [
        ({"val/dice": 0.0}, POINT, "marks no pixel of the validation images (mask threshold 0.5)"),
        ({"val/dice": 0.0}, {}, "marks no true pixel of the validation images, Dice 0:"),
        ({"val/dice": 0.0}, {"mask_thresh": 0.3}, "Dice 0 (mask threshold 0.3)"),
        ({"val/dice": None, "val/loss": 0.1}, POINT, "have no true pixel"),
        ({"val/dice": math.nan, "val/loss": math.nan}, POINT, "returns NaN"),
        ({"val/dice": None, "val/loss": None}, POINT, "returns NaN"),
    ],
)
def test_a_network_without_masks(metrics: Any, point: Any, text: str) -> None:
    verdict = judge_training(pair(0, {"bias": (0, 0.1)}, {}), metrics, point)
    assert verdict.failed
    assert verdict.colour == "red"
    assert text in verdict.sentence


@pytest.mark.parametrize("metrics", [{"val/dice": 0.01, "val/loss": 0.7}, {}])
def test_a_network_with_masks_is_compared(metrics: Any) -> None:
    rows = pair(0, {"bias": (0, 0.1)}, {})
    assert judge_training(rows, metrics, {}) == compare_with_gauss(rows)


def test_files(tmp_path: Path) -> None:
    assert read_training_table(tmp_path) == []
    (tmp_path / "physics").mkdir()
    (tmp_path / "physics" / "best.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PhysicsTableError, match=r"best\.csv: cannot be read"):
        read_training_table(tmp_path)
    verdict = compare_with_gauss([])
    assert Verdict.from_plain(verdict.plain()) == verdict
    for content in (None, {}, {"kind": "superb", "sentence": ""}, "better"):
        assert Verdict.from_plain(content) is None
