"""Inference: open a network's file, read a plane, find ROIs as WCT's node does."""

from roilab.inference.checkpoint import (
    CheckpointError,
    TrainedNetwork,
    load_network,
    read_checkpoint,
    read_network,
)
from roilab.inference.metadata import MetadataError
from roilab.inference.network import (
    Network,
    NetworkFile,
    NodeDefaults,
    on_device,
    open_network,
)
from roilab.inference.network_file import NetworkFolderError, NetworkNameError, network_file
from roilab.inference.probability import RoiProbability
from roilab.inference.probe import NetworkOutputError
from roilab.inference.roi_frames import RoiFrames, RoiFramesError
from roilab.inference.rois import (
    NetworkRois,
    Rois,
    apply_probability,
    find_rois,
    roi_probability,
    true_rois,
)
from roilab.inference.spec import NetworkSpec, NetworkSpecError, network_spec
from roilab.inference.stored_network import StoredNetworkError
from roilab.inference.trusted import UntrustedError, instantiate_trusted
from roilab.inference.working_point import (
    WorkingPoint,
    WorkingPointRule,
    choose_working_point,
    scan_thresholds,
)
from roilab.planes import Plane, PlaneLocation, PlaneReader, PlaneReaderError

__all__ = [
    "CheckpointError",
    "MetadataError",
    "Network",
    "NetworkFile",
    "NetworkFolderError",
    "NetworkNameError",
    "NetworkOutputError",
    "NetworkRois",
    "NetworkSpec",
    "NetworkSpecError",
    "NodeDefaults",
    "Plane",
    "PlaneLocation",
    "PlaneReader",
    "PlaneReaderError",
    "RoiFrames",
    "RoiFramesError",
    "RoiProbability",
    "Rois",
    "StoredNetworkError",
    "TrainedNetwork",
    "UntrustedError",
    "WorkingPoint",
    "WorkingPointRule",
    "apply_probability",
    "choose_working_point",
    "find_rois",
    "instantiate_trusted",
    "load_network",
    "network_file",
    "network_spec",
    "on_device",
    "open_network",
    "read_checkpoint",
    "read_network",
    "roi_probability",
    "scan_thresholds",
    "true_rois",
]
