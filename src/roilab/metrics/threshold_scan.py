"""Metrics of ROI masks at several mask thresholds, from one ROI probability an image."""

from collections.abc import Sequence

import torch
from torch import nn
from torchmetrics import Metric

from roilab.metrics.segmentation import segmentation_metrics
from roilab.types import Row


class _Sums(Metric):
    """Sums over images at one threshold: charge of true pixels, and numbers of pixels."""

    full_state_update = False
    found: torch.Tensor  # truth charge of the true pixels in the mask
    charge: torch.Tensor  # truth charge of all true pixels
    marked: torch.Tensor  # pixels in the mask
    pixels: torch.Tensor
    images: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("found", "charge"):
            self.add_state(name, torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("marked", "pixels", "images"):
            self.add_state(name, torch.tensor(0, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, found: float, charge: float, marked: int, pixels: int, images: int) -> None:
        """Add the sums of an image."""
        sums = {"found": found, "charge": charge, "marked": marked, "pixels": pixels}
        for name, value in {**sums, "images": images}.items():
            setattr(self, name, getattr(self, name) + value)

    def compute(self) -> dict[str, torch.Tensor]:
        """Return the values by name."""
        return {
            "images": self.images,
            "marked": self.marked / self.pixels,
            "charge_efficiency": self.found / self.charge,
        }


class ThresholdScan(nn.Module):
    """Pixel, ROI and charge metrics of masks at several thresholds.

    Several processes sum their counts in ``rows``, as those of any metric.

    Args:
        thresholds: on the ROI probability; a pixel above is in the mask.
    """

    def __init__(self, thresholds: Sequence[float]) -> None:
        super().__init__()
        self.thresholds = tuple(thresholds)
        self.masks = nn.ModuleList([segmentation_metrics() for _ in self.thresholds])
        self.sums = nn.ModuleList([_Sums() for _ in self.thresholds])
        # Empty updates: a process without any image takes part in the sums too.
        nothing = torch.zeros(1, 0)
        self._add(nothing, nothing.bool(), nothing, images=0)

    def update(
        self, probability: torch.Tensor, truth_mask: torch.Tensor, truth_charge: torch.Tensor
    ) -> None:
        """Add one image, on the CPU; every shape is (channel, slice).

        Args:
            probability: of a ROI.
            truth_mask: of the network, boolean.
            truth_charge: its sum over true pixels weights them [any unit].
        """
        self._add(probability, truth_mask, truth_charge, images=1)

    def _add(
        self, probability: torch.Tensor, truth: torch.Tensor, charge: torch.Tensor, images: int
    ) -> None:
        of_true, true_charge = probability[truth], charge[truth].double()
        total, pixels = float(true_charge.sum()), probability.numel()
        parts = zip(self.thresholds, self.masks, self.sums, strict=True)
        for threshold, metrics, sums in parts:
            mask = probability > threshold
            metrics.update(mask, truth)  # type: ignore[operator]
            found = float(true_charge[of_true > threshold].sum())
            sums.update(found, total, int(mask.sum()), pixels, images)  # type: ignore[operator]

    def rows(self) -> list[Row]:
        """Return a row for every threshold; a ratio without denominator is NaN.

        ``images`` is the number of images, ``marked`` the part of all pixels in the mask, and
        ``charge_efficiency`` the truth charge of the true pixels in the mask over that of all true
        pixels. The others are those of ``segmentation_metrics``.
        """
        rows: list[Row] = []
        for threshold, metrics, sums in zip(self.thresholds, self.masks, self.sums, strict=True):
            values = {**sums.compute(), **metrics.compute()}  # type: ignore[operator]
            row = {name: float(value) for name, value in values.items()}
            rows.append({"mask_thresh": threshold, **row, "images": int(values["images"])})
        return rows
