"""A network evaluated in bands of channels: little memory, the same answer."""

from roilab.tiling.graph import Graph
from roilab.tiling.lowering import lower
from roilab.tiling.memory_model import Costs
from roilab.tiling.network import BandedNetwork
from roilab.tiling.planner import Plan, Step, in_bands, whole, within
from roilab.tiling.tracing import trace

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
