"""How good a network is."""

from roilab.metrics.charge import Bias, ChargeProfile, Inefficiency, Resolution, charge_metrics
from roilab.metrics.segmentation import (
    Dice,
    PixelEfficiency,
    PixelPurity,
    RoiEfficiency,
    RoiPurity,
    count_runs_hit,
    segmentation_metrics,
)
from roilab.metrics.windows import (
    ChargeWindows,
    ShowerAxis,
    Window,
    charge_windows,
    shower_axis,
)

__all__ = [
    "Bias",
    "ChargeProfile",
    "ChargeWindows",
    "Dice",
    "Inefficiency",
    "PixelEfficiency",
    "PixelPurity",
    "Resolution",
    "RoiEfficiency",
    "RoiPurity",
    "ShowerAxis",
    "Window",
    "charge_metrics",
    "charge_windows",
    "count_runs_hit",
    "segmentation_metrics",
    "shower_axis",
]
