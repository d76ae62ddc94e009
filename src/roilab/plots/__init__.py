"""Figures only: arrays in, figures out, no reading of data."""

from roilab.plots.curves import loss_figure
from roilab.plots.event import event_figure

__all__ = ["event_figure", "loss_figure"]
