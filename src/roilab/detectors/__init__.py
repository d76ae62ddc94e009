"""Detectors: planes, channels, ticks and geometry."""

from roilab.detectors.anode import AnodeField, Electronics, Numbering
from roilab.detectors.detector import PLANE_NAMES, Detector, WirePlane, crossing_points
from roilab.detectors.errors import DetectorError
from roilab.detectors.readout import Anode, Readout, readout_config

__all__ = [
    "PLANE_NAMES",
    "Anode",
    "AnodeField",
    "Detector",
    "DetectorError",
    "Electronics",
    "Numbering",
    "Readout",
    "WirePlane",
    "crossing_points",
    "readout_config",
]
