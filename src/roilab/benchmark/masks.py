"""Changes of ROI masks and charge by chunks, precision and export."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from roilab.benchmark.frames import BenchmarkFrames
from roilab.benchmark.grid import FLOAT32, PLAIN, BenchmarkCell
from roilab.evaluate.evaluator import Evaluator, GroupMetrics
from roilab.evaluate.methods import dnn
from roilab.inference import NetworkSpec, Rois
from roilab.types import Frame, Mask, Row

CHARGE_METRICS = ("bias", "inefficiency")


@dataclass(frozen=True)
class MaskResult:
    """ROIs of one cell in all images, with their metrics (see ``GroupMetrics``)."""

    probability: Sequence[Frame]  # ROI probability of every image, each (channel, slice)
    rois: Sequence[Rois]
    metrics: Mapping[str, float]
    mask_thresh: float

    @property
    def masks(self) -> list[Mask]:
        """ROI mask of every image, each (channel, slice)."""
        return [part > np.float32(self.mask_thresh) for part in self.probability]

    def row(self) -> Row:
        """Return the columns of the table."""
        row: Row = {
            "mask_thresh": self.mask_thresh,
            "frames": len(self.rois),
            "roi_pixels": sum(int(mask.sum()) for mask in self.masks),
            "charge": sum(float(rois.known_charge.sum(dtype=np.float64)) for rois in self.rois),
        }
        for name in CHARGE_METRICS:
            row |= {key: self.metrics[key] for key in (name, f"{name}_low", f"{name}_high")}
        return row

    def compare(self, reference: "MaskResult", margin: float) -> Row:
        """Return the differences from a reference in the same images.

        Args:
            reference: result to compare with.
            margin: a changed pixel is clear if its probability in the reference is at least this
                far from ``mask_thresh``.

        Returns:
            ``pixels``: number of changed pixels; ``clear``: number of clear ones; ``of_pixels``,
            ``of_rois``: changed pixels relative to all, and to those in a ROI of either result [%];
            ``charge``, ``total``: sum of absolute changes tick by tick, and change of the sum,
            relative to the reference's charge [%]; ``bias``, ``inefficiency``: differences
            [percentage points].
        """
        changed = clear = union = pixels = 0
        for mask, other, probability in zip(
            self.masks, reference.masks, reference.probability, strict=True
        ):
            differs = mask ^ other
            changed += int(differs.sum())
            far = np.abs(probability.astype(np.float64) - reference.mask_thresh) >= margin
            clear += int((differs & far).sum())
            union += int((mask | other).sum())
            pixels += mask.size
        moved, total, charge = _charge_changes(self.rois, reference.rois)
        row: Row = {
            "pixels": changed,
            "clear": clear,
            "of_pixels": _percent(changed, pixels),
            "of_rois": _percent(changed, union),
            "charge": _percent(moved, charge),
            "total": _percent(total, charge),
        }
        return row | {name: self.metrics[name] - reference.metrics[name] for name in CHARGE_METRICS}


class MaskComparison:
    """Compares the masks of the cells of one network at one rebin.

    Args:
        frames: images of the sample.
        spec: input and truth mask of the network, with the rebin of the cells.
        outputs: files with the probability of every image, by cell.
        margin: see ``MaskResult.compare``.
    """

    def __init__(
        self,
        frames: BenchmarkFrames,
        spec: NetworkSpec,
        outputs: Mapping[BenchmarkCell, Sequence[Path]],
        margin: float,
    ) -> None:
        self.frames, self.spec, self.outputs, self.margin = frames, spec, outputs, margin
        method = dnn(frames.physics, spec, spec.mask_thresh)
        evaluator = Evaluator([method], frames.physics, frames.readout, None)
        self.truths = [evaluator.truth(plane, image) for image, plane in frames.images]
        self._reference = cache(self._evaluate)

    def row(self, cell: BenchmarkCell, mask_thresh: float) -> Row:
        """Return masks and charge of a cell, and differences from two references.

        References are the same cell at nchunks=1 (``one_chunk_*``), and the plain trace in float32
        at nchunks=1 (``plain_*``), where they were measured.
        """
        result = self._evaluate(cell, mask_thresh)
        row = result.row()
        references = {
            "one_chunk": replace(cell, nchunks=1),
            "plain": replace(cell, nchunks=1, precision=FLOAT32, variant=PLAIN),
        }
        for name, reference in references.items():
            if reference in self.outputs:
                changes = result.compare(self._reference(reference, mask_thresh), self.margin)
                row |= {f"{name}_{key}": value for key, value in changes.items()}
                row[f"{name}_itself"] = cell == reference
        return row

    def _evaluate(self, cell: BenchmarkCell, mask_thresh: float) -> MaskResult:
        """Find the ROIs of all images through the node, and their charge metrics."""
        probability = [np.load(path) for path in self.outputs[cell]]
        physics = self.frames.physics
        method, metrics, rois = dnn(physics, self.spec, mask_thresh), GroupMetrics(physics), []
        for part, (image, plane), truth in zip(
            probability, self.frames.images, self.truths, strict=True
        ):
            rois.append(method.find(plane, part))
            metrics.update(rois[-1], truth, method.widened, image.number)
        return MaskResult(probability, rois, metrics.compute(), mask_thresh)


def _charge_changes(rois: Sequence[Rois], reference: Sequence[Rois]) -> tuple[float, float, float]:
    """Return sums of absolute changes, of changes, and of the reference's charge [electrons]."""
    moved = total = charge = 0.0
    for own, other in zip(rois, reference, strict=True):
        change = own.known_charge.astype(np.float64) - other.known_charge
        moved += float(np.abs(change).sum())
        total += float(change.sum())
        charge += float(np.abs(other.known_charge).sum(dtype=np.float64))
    return moved, total, charge


def _percent(part: float, total: float) -> float:
    return 100 * part / total if total else (0.0 if not part else math.nan)
