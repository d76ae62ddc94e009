"""Primitives of figures: arrays and table rows in, figures out; no files are read."""

from roilab.plots.angles import CHARGE, ROIS, charge_figure, curve_figure, metric_figure, roi_figure
from roilab.plots.benchmark import cost_figure, memory_figure
from roilab.plots.changes import change_figure
from roilab.plots.curves import loss_figure, loss_panels, threshold_figure
from roilab.plots.event import charge_pixels, event_figure
from roilab.plots.scan import padding_figure, scan_figure
from roilab.plots.search import Trials, search_figure
from roilab.plots.style import figure_pixels
from roilab.plots.sweep import (
    HeatMap,
    RunCurves,
    heat_map_figure,
    sweep_loss_figure,
    sweep_loss_panels,
)

__all__ = [
    "CHARGE",
    "ROIS",
    "HeatMap",
    "RunCurves",
    "Trials",
    "change_figure",
    "charge_figure",
    "charge_pixels",
    "cost_figure",
    "curve_figure",
    "event_figure",
    "figure_pixels",
    "heat_map_figure",
    "loss_figure",
    "loss_panels",
    "memory_figure",
    "metric_figure",
    "padding_figure",
    "roi_figure",
    "scan_figure",
    "search_figure",
    "sweep_loss_figure",
    "sweep_loss_panels",
    "threshold_figure",
]
