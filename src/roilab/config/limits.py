"""Kinds of values that several tables share."""

from roilab.config.combined_kinds import Either, ListOf
from roilab.config.kinds import Choice, Number, Text, Whole

COUNT = Whole(low=1)
SIZE = Whole(low=0)
POSITIVE = Number(above=0)
NOT_NEGATIVE = Number(low=0)
PART = Number(low=0, high=1)  # part of 1, or a probability
SEED = Whole(low=0, high=2**32 - 1)
TAGS = ListOf(kind=Text(), least=1)
WIDTHS = ListOf(kind=COUNT, least=1)
PLANE = Choice("U", "V", "W")
PLANES = ListOf(kind=PLANE, least=1)
PLANE_LETTERS = ListOf(kind=Choice("u", "v", "w", "U", "V", "W"))
PAD_UNIT = Choice("bins", "ticks")
DEVICE = Either(Choice("auto", "cpu", "cuda"), Text(r"(cuda|cpu|mps)(:\d+)?", "a device of torch"))

# Metrics of masks, see roilab.metrics.segmentation_metrics.
MASK_METRICS = ("pixel_efficiency", "pixel_purity", "dice", "roi_efficiency", "roi_purity")
# Those and charge, see roilab.metrics.ThresholdScan.
SCAN_METRICS = ("charge_efficiency", *MASK_METRICS)
VALIDATION_METRICS = tuple(f"val/{name}" for name in ("loss", *MASK_METRICS))
TEST_METRICS = tuple(f"test/{name}" for name in ("loss", *MASK_METRICS))
# A metric that a user's class logs passes by any other name.
MONITOR = Either(
    Choice(*VALIDATION_METRICS, "train/loss"),
    Text(r"(?!(val|train|test)/)[^/]+/.+", "GROUP/NAME of your own"),
)
