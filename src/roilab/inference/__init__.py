"""Inference: open a network's file, read a plane, find ROIs as WCT's node does."""

from roilab.inference.checkpoint import (
    CheckpointError,
    TrainedNetwork,
    load_network,
    read_checkpoint,
)
from roilab.inference.metadata import MetadataError
from roilab.inference.network import (
    Network,
    NetworkFile,
    NetworkSpec,
    NetworkSpecError,
    NodeDefaults,
    network_spec,
    on_device,
    open_network,
)
from roilab.inference.plane import Plane, PlaneReader, PlaneReaderError
from roilab.inference.probability import RoiProbability
from roilab.inference.rois import (
    Rois,
    apply_probability,
    find_rois,
    roi_probability,
    true_rois,
)
from roilab.inference.trusted import UntrustedError, instantiate_trusted

__all__ = [
    "CheckpointError",
    "MetadataError",
    "Network",
    "NetworkFile",
    "NetworkSpec",
    "NetworkSpecError",
    "NodeDefaults",
    "Plane",
    "PlaneReader",
    "PlaneReaderError",
    "RoiProbability",
    "Rois",
    "TrainedNetwork",
    "UntrustedError",
    "apply_probability",
    "find_rois",
    "instantiate_trusted",
    "load_network",
    "network_spec",
    "on_device",
    "open_network",
    "read_checkpoint",
    "roi_probability",
    "true_rois",
]
