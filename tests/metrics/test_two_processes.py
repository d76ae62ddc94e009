"""All metrics over two processes give what one process gives."""

import pytest
from test_charge import RECO, TRUTH, metrics, numbers
from test_segmentation import PREDICTED, TRUE, masks

from roilab.metrics import ChargeProfile, segmentation_metrics
from two_processes import in_two_processes

TRACKS = [(RECO, TRUTH), (RECO[:2], TRUTH[:2]), (RECO[1:3], TRUTH[1:3])]
Values = dict[str, list[float]]


def values_of(part: slice) -> Values:
    """Return the values of all metrics on a part of three channels and three tracks."""
    segmentation, charge, profile = segmentation_metrics(), metrics(), ChargeProfile()
    segmentation.update(masks(PREDICTED)[None, None, part], masks(TRUE)[None, None, part])
    for number in range(3)[part]:
        charge.update(*TRACKS[number], number)
        profile.update(*TRACKS[number])
    found = {name: [float(value)] for name, value in segmentation.compute().items()}
    return found | numbers(charge) | {"profile": profile.compute().tolist()}


def _share(rank: int) -> Values:
    # Unequal shares: an average of the two processes' ratios would be wrong.
    return values_of(slice(0, 1) if rank == 0 else slice(1, 3))


def test_two_processes_give_what_one_gives() -> None:
    expected = {name: pytest.approx(value) for name, value in values_of(slice(0, 3)).items()}
    assert in_two_processes(_share) == [expected] * 2
