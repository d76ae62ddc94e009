"""Compute a network in bands of channels: less memory, the same output.

The exported network is a graph of operations on rows (channels) of images. A planner chooses which
images of features are computed in full and which in bands, within a bound on memory.
"""

from roilab.tiling.graph import Graph
from roilab.tiling.live_memory import extrapolate, peak_bytes
from roilab.tiling.lowering import lower
from roilab.tiling.memory_model import MemoryModel
from roilab.tiling.network import TiledNetwork
from roilab.tiling.planner import Plan, plan_full_images, plan_within

__all__ = [
    "Graph",
    "MemoryModel",
    "Plan",
    "TiledNetwork",
    "extrapolate",
    "lower",
    "peak_bytes",
    "plan_full_images",
    "plan_within",
]
