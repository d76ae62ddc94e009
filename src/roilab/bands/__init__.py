"""A network evaluated in bands of channels: little memory, the same answer."""

from roilab.bands.cost import Costs
from roilab.bands.graph import Graph
from roilab.bands.lowering import lower
from roilab.bands.network import BandedNetwork
from roilab.bands.plan import Plan, Step, in_bands, whole, within
from roilab.bands.tracing import trace

__all__ = [
    "BandedNetwork",
    "Costs",
    "Graph",
    "Plan",
    "Step",
    "in_bands",
    "lower",
    "trace",
    "whole",
    "within",
]
