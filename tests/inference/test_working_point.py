"""The rule that chooses a mask threshold, on tables of known numbers."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from roilab.inference import WorkingPoint, WorkingPointRule, choose_working_point

RULE = WorkingPointRule(
    scan=[0.1, 0.3, 0.5, 0.9], by="charge_efficiency", min_roi_purity=0.99, min_pixel_purity=0.5,
    images=100,
)  # fmt: skip
NAN = math.nan


def rows(
    charge: list[float], purity: list[float], pixel: list[float], dice: list[float] | None = None
) -> list[dict[str, Any]]:
    """Return a scan; a pixel purity of NaN means that nothing is marked."""
    columns = zip(RULE.scan, charge, purity, pixel, dice or charge, strict=True)
    return [
        {"mask_thresh": t, "images": 7, "marked": 0 if math.isnan(x) else 0.1,
         "charge_efficiency": c, "roi_purity": p, "pixel_efficiency": c, "pixel_purity": x,
         "dice": d}
        for t, c, p, x, d in columns
    ]  # fmt: skip


GOOD = rows([0.99, 0.95, 0.9, 0.4], [0.8, 0.992, 1, 1], [0.6, 0.8, 0.9, 1], [0.5, 0.7, 0.9, 0.6])


@pytest.mark.parametrize(
    ("table", "changed", "chosen", "note"),
    [
        (GOOD, {}, 0.3, ""),
        (GOOD, {"by": "dice"}, 0.5, ""),
        (GOOD, {"min_roi_purity": 0.0}, 0.1, ""),
        # In a wide mask there is one ROI a channel, which is pure.
        (rows([1, 0.95, 0.9, 0.4], [1, 0.992, 1, 1], [0.1, 0.8, 0.9, 1]), {}, 0.3, ""),
        (rows([0.9, 0.9, 0.9, 0.4], [0.991, 0.992, 0.992, 1], [0.9] * 4), {}, 0.3, ""),
        (
            rows([0.9, 0.8, 0.7, 0], [0.9, 0.7, 0.6, NAN], [0.4, 0.8, 0.9, NAN]), {}, 0.3,
            "no threshold has this purity; the highest ROI purity is 0.700, at 0.3",
        ),
        (
            rows([0.9, 0.8, 0.7, 0], [0.7, 0.7, 0.6, NAN], [0.8, 0.8, 0.9, NAN]), {}, 0.1,
            "no threshold has this purity; the highest ROI purity is 0.700, at 0.1",
        ),
        (
            rows([1, 1, 0.7, 0], [1, 1, 1, NAN], [0.04, 0.1, 0.3, NAN]), {}, 0.5,
            "no threshold has this purity; the highest pixel purity is 0.300, at 0.5",
        ),
        (
            rows([0] * 4, [NAN] * 4, [NAN] * 4), {}, 0.2,
            "not chosen: the network marks nothing at any threshold, from 0.1 to 0.9; it stays 0.2",
        ),
        (
            rows([NAN] * 4, [0] * 4, [0] * 4), {}, 0.2,
            "not chosen: the validation images have no true pixel; it stays 0.2",
        ),
    ],
    ids=["largest charge", "dice", "any purity", "wide", "tie", "purest", "purest tie",
         "only wide", "nothing", "no truth"],
)  # fmt: skip
def test_chosen_threshold(
    table: list[dict[str, Any]], changed: dict[str, Any], chosen: float, note: str
) -> None:
    point = choose_working_point(table, replace(RULE, **changed), 0.2, epoch=3)
    assert (point.mask_thresh, point.start, point.note, point.epoch) == (chosen, 0.2, note, 3)
    # A file holds all of it, also as JSON.
    again = WorkingPoint.from_plain(json.loads(json.dumps(point.plain(), allow_nan=False)))
    assert again.plain() == point.plain()


def test_words() -> None:
    point = choose_working_point(GOOD, RULE, 0.5)
    words = "largest charge efficiency with a ROI purity of at least 0.99 and a pixel purity of "
    words += "at least 0.5"
    assert str(point) == f"mask_thresh 0.3: {words}, on 7 validation images"
    assert point.metrics == {
        "charge_efficiency": 0.95, "roi_purity": 0.992, "pixel_efficiency": 0.95,
        "pixel_purity": 0.8, "dice": 0.7,
    }  # fmt: skip
    assert str(replace(RULE, by="dice", min_roi_purity=0, min_pixel_purity=0)) == "largest dice"


def test_images_are_evenly_spread() -> None:
    assert replace(RULE, images=3).indices(9) == [0, 3, 6]
    assert replace(RULE, images=3).indices(2) == [0, 1]
    assert replace(RULE, images=None).indices(4) == [0, 1, 2, 3]


def test_before_the_end_of_a_training() -> None:
    fixed = WorkingPoint.at_start({"model": {"mask_thresh": 0.2}})
    assert (fixed.mask_thresh, fixed.rule, fixed.note) == (0.2, "fixed by model.mask_thresh", "")
    recipe = {"model": {"mask_thresh": "choose"}, "working_point": vars(RULE)}
    begun = WorkingPoint.at_start(recipe)
    assert (begun.mask_thresh, begun.note) == (
        0.5, "not chosen, since the training has not ended",
    )  # fmt: skip
