"""Working point: the mask threshold of a network, chosen on validation events."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from roilab.data import RoiDataset, TrainingItem
from roilab.inference.rois import check_probability
from roilab.inference.spec import WCT_MASK_THRESH
from roilab.metrics import ThresholdScan
from roilab.types import Frame, Row

CHOOSE = "choose"  # value of model.mask_thresh and network_spec.mask_thresh
# Columns of a scan that are no metric.
_COUNTS = ("mask_thresh", "images", "marked")


@dataclass(frozen=True, kw_only=True)
class WorkingPointRule:
    """How a mask threshold is chosen; every attribute is a key of ``conf/working_point``.

    Attributes:
        scan: mask thresholds to choose from.
        by: metric; the threshold with its largest value is chosen.
        min_roi_purity: among the thresholds with at least this ROI purity.
        min_pixel_purity: and at least this pixel purity. In a wide mask all ROIs of a channel are
            joined to one, which is pure as it contains truth somewhere.
        images: most images of the scan; ``None`` for all.
    """

    scan: Sequence[float]
    by: str
    min_roi_purity: float
    min_pixel_purity: float
    images: int | None

    def __str__(self) -> str:
        name = self.by.replace("roi_", "ROI ").replace("_", " ")
        limits = {"ROI": self.min_roi_purity, "pixel": self.min_pixel_purity}
        parts = [f"a {kind} purity of at least {low:g}" for kind, low in limits.items() if low]
        return f"largest {name}" + (f" with {' and '.join(parts)}" if parts else "")

    def indices(self, n_images: int) -> list[int]:
        """Return which of some images are scanned: evenly spread, at most ``images``."""
        count = n_images if self.images is None else min(self.images, n_images)
        return [n_images * n // count for n in range(count)]


@dataclass(frozen=True)
class WorkingPoint:
    """Mask threshold of a network, and how it was found.

    Attributes:
        mask_thresh: on the ROI probability.
        start: mask threshold in the epochs of the training.
        rule: in words.
        note: why the rule could not be followed; empty where it was.
        epoch: of the weights that the scan was made with; ``None`` without a scan.
        scan: rows of ``ThresholdScan``; empty without a scan.
    """

    mask_thresh: float
    start: float
    rule: str
    note: str = ""
    epoch: int | None = None
    scan: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def at_start(cls, recipe: Mapping[str, Any]) -> "WorkingPoint":
        """Return the working point of a training that has not ended.

        Args:
            recipe: the configuration that a checkpoint saves.
        """
        asked = recipe["model"]["mask_thresh"]
        if asked != CHOOSE:
            return cls(asked, asked, "fixed by model.mask_thresh")
        rule = recipe.get("working_point")
        words = "chosen after the training" if rule is None else str(WorkingPointRule(**rule))
        note = "not chosen, since the training has not ended"
        return cls(WCT_MASK_THRESH, WCT_MASK_THRESH, words, note)

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> "WorkingPoint":
        """Return a working point that came out of a file.

        Raises:
            Exception: ``content`` is not what ``plain`` returns.
        """
        epoch = content["epoch"]
        scan = [{_text(k): _number(v) for k, v in row.items()} for row in content["scan"]]
        if any(row.keys() != scan[0].keys() or not row.keys() >= {*_COUNTS} for row in scan):
            raise ValueError("the rows of the scan differ in their columns")
        return cls(
            mask_thresh=_number(content["mask_thresh"]),
            start=_number(content["start"]),
            rule=_text(content["rule"]),
            note=_text(content["note"]),
            epoch=None if epoch is None else int(epoch),
            scan=scan,
        )

    def plain(self) -> dict[str, Any]:
        """Return a copy in plain containers, with ``None`` for NaN, which JSON does not have."""
        return {**asdict(self), "scan": [_without_nan(row) for row in self.scan]}

    def summary(self) -> dict[str, Any]:
        """Return what the metadata of a network say about its threshold, likewise plain."""
        facts = {"rule": self.rule, "note": self.note, "epoch": self.epoch}
        return {**facts, "images": self.images, "metrics": _without_nan(self.metrics)}

    @property
    def images(self) -> int:
        """Number of scanned images."""
        return int(self.row.get("images", 0))

    @property
    def row(self) -> Mapping[str, Any]:
        """Metrics at the threshold; empty where it was not scanned."""
        found = [row for row in self.scan if row["mask_thresh"] == self.mask_thresh]
        return found[0] if found else {}

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics at the threshold by name, without counts."""
        return {name: value for name, value in self.row.items() if name not in _COUNTS}

    def __str__(self) -> str:
        plural = "s" * (self.images > 1)
        images = f", on {self.images} validation image{plural}" if self.images else ""
        note = f" ({self.note})" if self.note else ""
        return f"mask_thresh {self.mask_thresh:g}: {self.rule}{images}{note}"


def scan_thresholds(
    probability: Callable[[TrainingItem], Frame],
    images: RoiDataset,
    indices: Sequence[int],
    thresholds: Sequence[float],
) -> ThresholdScan:
    """Apply a network once to every image, and count its masks at every threshold.

    The truth is the network's truth mask, slice by slice.

    Args:
        probability: training item to ROI probability, shape (channel, slice).
        images: validation images.
        indices: of the images to take.
        thresholds: on the probability.

    Raises:
        NanProbabilityError: the network returns NaN.
    """
    scan = ThresholdScan(thresholds)
    for index in indices:
        item, charge = images.with_charge(index)
        pixels = np.ascontiguousarray(probability(item), np.float32)
        check_probability(pixels, "the network", item["name"])
        scan.update(torch.from_numpy(pixels), item["truth_mask"][0] > 0, charge[0])
    return scan


def choose_working_point(
    rows: Sequence[Row], rule: WorkingPointRule, start: float, epoch: int | None = None
) -> WorkingPoint:
    """Choose a mask threshold.

    Of thresholds with equal metrics the one with the larger ROI purity is taken, then the first.
    Where no threshold has both purities of the rule, the one with the highest ROI purity is taken
    of those with its pixel purity; without any of these the one with the highest pixel purity.
    Where no mask marks anything, or there is no truth, ``start`` is kept.

    Args:
        rows: of ``ThresholdScan``.
        rule: what decides.
        start: mask threshold before.
        epoch: of the network's weights.
    """

    def point(mask_thresh: float, note: str = "") -> WorkingPoint:
        return WorkingPoint(mask_thresh, start, str(rule), note, epoch, rows)

    def kept(why: str) -> WorkingPoint:
        return point(start, f"not chosen: {why}; it stays {start:g}")

    lowest, highest = min(rule.scan), max(rule.scan)
    if all(math.isnan(row["pixel_efficiency"]) for row in rows):
        return kept("the validation images have no true pixel")
    if not any(row["marked"] > 0 for row in rows):
        return kept(f"the network marks nothing at any threshold, from {lowest:g} to {highest:g}")
    marking = [row for row in rows if row["marked"] > 0]
    narrow = [row for row in marking if row["pixel_purity"] >= rule.min_pixel_purity]
    pure = [row for row in narrow if row["roi_purity"] >= rule.min_roi_purity]
    if pure:
        best = max(pure, key=lambda row: (np.nan_to_num(row[rule.by]), row["roi_purity"]))
        return point(best["mask_thresh"])
    kind, purity = ("ROI", "roi_purity") if narrow else ("pixel", "pixel_purity")
    purest = max(narrow or marking, key=lambda row: (row[purity], np.nan_to_num(row[rule.by])))
    return point(
        purest["mask_thresh"],
        f"no threshold has this purity; the highest {kind} purity is {purest[purity]:.3f}, at "
        f"{purest['mask_thresh']:g}",
    )


def _without_nan(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else None for name, value in row.items()}


def _text(value: Any) -> str:
    """Return a text out of a file for one line."""
    return "".join(one for one in " ".join(str(value)[:500].split()) if one.isprintable())


def _number(value: Any) -> float | int:
    if value is None:  # NaN in JSON
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    return value
