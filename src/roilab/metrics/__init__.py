"""Metrics of ROI masks and of the charge inside them."""

from roilab.metrics.charge import (
    Bias,
    ChargeProfile,
    Inefficiency,
    Resolution,
    charge_metrics,
    to_columns,
)
from roilab.metrics.intervals import clopper_pearson
from roilab.metrics.segmentation import (
    Dice,
    PixelEfficiency,
    PixelPurity,
    RoiEfficiency,
    RoiPurity,
    count_runs_hit,
    segmentation_metrics,
)
from roilab.metrics.shower_axis import ShowerAxis, shower_axis
from roilab.metrics.threshold_scan import ThresholdScan
from roilab.metrics.windows import ChargeWindows, Window, charge_windows

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
    "ThresholdScan",
    "Window",
    "charge_metrics",
    "charge_windows",
    "clopper_pearson",
    "count_runs_hit",
    "segmentation_metrics",
    "shower_axis",
    "to_columns",
]
