"""How good a network is."""

from roilab.metrics.segmentation import (
    Dice,
    PixelEfficiency,
    PixelPurity,
    RoiEfficiency,
    RoiPurity,
    count_runs_hit,
    segmentation_metrics,
)

__all__ = [
    "Dice",
    "PixelEfficiency",
    "PixelPurity",
    "RoiEfficiency",
    "RoiPurity",
    "count_runs_hit",
    "segmentation_metrics",
]
