"""What chunks, precision and export change in the mask and in the charge."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.benchmark.grid import FLOAT32, PLAIN, Cell
from roilab.benchmark.images import Scene
from roilab.evaluate.evaluator import Evaluator, GroupMetrics
from roilab.evaluate.methods import Dnn, dnn
from roilab.inference import NetworkSpec, Rois

Probability = NDArray[np.float32]
Row = dict[str, Any]
# What is told of a network's charge in the frames, and of its change.
CHARGE = ("bias", "inefficiency")


@dataclass(frozen=True)
class Outcome:
    """What one cell found in all frames of a scene.

    Attributes:
        probability: of every frame, each (channel, slice).
        found: of every frame: charge and ROIs, tick by tick.
        metrics: as ``GroupMetrics`` computes them, over all frames.
        mask_thresh: on the probability.
    """

    probability: Sequence[Probability]
    found: Sequence[Rois]
    metrics: Mapping[str, float]
    mask_thresh: float

    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """Pixels in ROIs, of every frame, each (channel, slice)."""
        return [part > np.float32(self.mask_thresh) for part in self.probability]

    def row(self) -> Row:
        """Its columns in the table."""
        row: Row = {
            "mask_thresh": self.mask_thresh,
            "frames": len(self.found),
            "roi_pixels": sum(int(mask.sum()) for mask in self.masks),
            "charge": sum(float(found.known_charge.sum(dtype=np.float64)) for found in self.found),
        }
        for name in CHARGE:
            row |= {key: self.metrics[key] for key in (name, f"{name}_error")}
        return row

    def against(self, other: "Outcome", margin: float) -> Row:
        """What differs from another outcome in the same frames.

        Args:
            other: the one that is compared with.
            margin: pixels whose probability in ``other`` is nearer to ``mask_thresh`` count as
                changed, but not as clearly changed.

        Returns:
            ``pixels`` changed, ``clear`` ones of them, their percentage ``of_pixels`` and
            ``of_rois`` (of the pixels that are in a ROI of either), sum of the absolute changes of
            ``charge`` and change of ``total`` charge [% of the other's charge], difference of
            bias and inefficiency [%].
        """
        changed = clear = union = pixels = 0
        for mask, reference, told in zip(self.masks, other.masks, other.probability, strict=True):
            differs = mask ^ reference
            changed += int(differs.sum())
            far = np.abs(told.astype(np.float64) - other.mask_thresh) >= margin
            clear += int((differs & far).sum())
            union += int((mask | reference).sum())
            pixels += mask.size
        moved, total, charge = _charge_changes(self.found, other.found)
        row: Row = {
            "pixels": changed,
            "clear": clear,
            "of_pixels": _percent(changed, pixels),
            "of_rois": _percent(changed, union),
            "charge": _percent(moved, charge),
            "total": _percent(total, charge),
        }
        return row | {name: self.metrics[name] - other.metrics[name] for name in CHARGE}


class MaskJudge:
    """Judges probabilities of a network on the frames of a scene.

    Args:
        scene: with frames.
        rebin: ticks per slice.
        spec: of the network.
    """

    def __init__(self, scene: Scene, rebin: int, spec: NetworkSpec) -> None:
        self.scene, self.rebin, self.spec = scene, rebin, spec
        method = self._method(spec.mask_thresh)
        evaluator = Evaluator([method], scene.physics, scene.readout, None)
        self.truths = [evaluator.truth(frames, image) for image, frames in scene.frames]

    def _method(self, mask_thresh: float) -> Dnn:
        spec = replace(self.spec, rebin=self.rebin)
        return dnn(self.scene.physics, spec, mask_thresh)

    def __call__(self, probability: Sequence[Probability], mask_thresh: float) -> Outcome:
        """Send the masks of all frames through the node, and judge the charge."""
        method, group = self._method(mask_thresh), GroupMetrics(self.scene.physics)
        found = []
        for part, (image, frames), truth in zip(
            probability, self.scene.frames, self.truths, strict=True
        ):
            found.append(method.find(frames, part))
            group.update(found[-1], truth, method.widened, image.number)
        return Outcome(probability, found, group.compute(), mask_thresh)


class Comparison:
    """Masks of the cells of one network at one rebin.

    Args:
        judge: of the network's masks.
        outputs: files of every cell's probability, one a frame.
        margin: as ``Outcome.against`` takes it.
    """

    def __init__(
        self, judge: MaskJudge, outputs: Mapping[Cell, Sequence[Path]], margin: float
    ) -> None:
        self.judge, self.outputs, self.margin = judge, outputs, margin
        self._references: dict[tuple[Cell, float], Outcome] = {}

    def row(self, cell: Cell, mask_thresh: float) -> Row:
        """Masks and charge of a cell, and what differs from the references.

        These are the same at nchunks=1 (``one_chunk_``) and the plain trace in float32 at
        nchunks=1 (``plain_``), as far as they were measured.
        """
        outcome = self._outcome(cell, mask_thresh)
        row = outcome.row()
        references = {
            "one_chunk": replace(cell, nchunks=1),
            "plain": replace(cell, nchunks=1, precision=FLOAT32, form=PLAIN),
        }
        for name, reference in references.items():
            if reference in self.outputs:
                changes = outcome.against(self._reference(reference, mask_thresh), self.margin)
                row |= {f"{name}_{key}": value for key, value in changes.items()}
                row[f"{name}_itself"] = cell == reference
        return row

    def _outcome(self, cell: Cell, mask_thresh: float) -> Outcome:
        return self.judge([np.load(path) for path in self.outputs[cell]], mask_thresh)

    def _reference(self, cell: Cell, mask_thresh: float) -> Outcome:
        key = (cell, mask_thresh)
        if key not in self._references:
            self._references[key] = self._outcome(*key)
        return self._references[key]


def _charge_changes(found: Sequence[Rois], other: Sequence[Rois]) -> tuple[float, float, float]:
    """Sums over frames [electrons]: of absolute changes, of changes, of the other's charge."""
    moved = total = charge = 0.0
    for mine, reference in zip(found, other, strict=True):
        change = mine.known_charge.astype(np.float64) - reference.known_charge
        moved += float(np.abs(change).sum())
        total += float(change.sum())
        charge += float(np.abs(reference.known_charge).sum(dtype=np.float64))
    return moved, total, charge


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else (0.0 if not part else math.nan)
