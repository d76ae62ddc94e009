"""Figures only: arrays in, figures out, no reading of data."""

from roilab.plots.angles import CHARGE, charge_figure, roi_figure
from roilab.plots.curves import loss_figure
from roilab.plots.event import event_figure
from roilab.plots.scan import padding_figure, scan_figure

__all__ = [
    "CHARGE",
    "charge_figure",
    "event_figure",
    "loss_figure",
    "padding_figure",
    "roi_figure",
    "scan_figure",
]
