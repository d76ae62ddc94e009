"""Primitives of figures: arrays and table rows in, figures out; no files are read."""

from roilab.plots.angles import CHARGE, charge_figure, curve_figure, roi_figure
from roilab.plots.benchmark import cost_figure, memory_figure
from roilab.plots.changes import change_figure
from roilab.plots.curves import loss_figure
from roilab.plots.event import charge_pixels, event_figure
from roilab.plots.scan import padding_figure, scan_figure
from roilab.plots.search import Trials, search_figure
from roilab.plots.style import figure_pixels
from roilab.plots.sweep import HeatMap, RunCurves, heat_map_figure, sweep_loss_figure

__all__ = [
    "CHARGE",
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
    "memory_figure",
    "padding_figure",
    "roi_figure",
    "scan_figure",
    "search_figure",
    "sweep_loss_figure",
]
