"""What WCT's node DNNROIFinding does before and after the network, step by step."""

from roilab.wirecell.configuration import node_configuration, node_jsonnet
from roilab.wirecell.forward import forward_in_chunks
from roilab.wirecell.node import Node
from roilab.wirecell.postprocess import baseline_subtracted, finished, masked, roi_charge
from roilab.wirecell.preprocess import (
    downsampled,
    input_ticks,
    model_input,
    model_ticks,
    placed,
    stacked,
)
from roilab.wirecell.settings import NodeSettings, NodeSettingsError
from roilab.wirecell.tracing import Observer, unobserved

__all__ = [
    "Node",
    "NodeSettings",
    "NodeSettingsError",
    "Observer",
    "baseline_subtracted",
    "downsampled",
    "finished",
    "forward_in_chunks",
    "input_ticks",
    "masked",
    "model_input",
    "model_ticks",
    "node_configuration",
    "node_jsonnet",
    "placed",
    "roi_charge",
    "stacked",
    "unobserved",
]
