"""Steps of WCT's node DNNROIFinding before and after the network, and its configuration."""

from roilab.wirecell.anode import ANODE_FILE, AnodePlanes, anode_jsonnet
from roilab.wirecell.configuration import node_configuration, node_jsonnet
from roilab.wirecell.forward import forward_in_chunks
from roilab.wirecell.node import Node
from roilab.wirecell.postprocess import (
    baseline_subtraction,
    mask_charge,
    roi_charge,
    scale_and_crop,
)
from roilab.wirecell.preprocess import (
    downsample,
    model_input,
    model_ticks,
    place,
    stack_layers,
)
from roilab.wirecell.settings import NodeSettings, NodeSettingsError
from roilab.wirecell.step_callback import StepCallback, ignore_step

__all__ = [
    "ANODE_FILE",
    "AnodePlanes",
    "Node",
    "NodeSettings",
    "NodeSettingsError",
    "StepCallback",
    "anode_jsonnet",
    "baseline_subtraction",
    "downsample",
    "forward_in_chunks",
    "ignore_step",
    "mask_charge",
    "model_input",
    "model_ticks",
    "node_configuration",
    "node_jsonnet",
    "place",
    "roi_charge",
    "scale_and_crop",
    "stack_layers",
]
