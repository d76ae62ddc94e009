"""A trained network as the files that WCT's DNNROIFinding takes."""

from roilab.delivery.card import CardFacts, facts_of_run
from roilab.delivery.deliverable import Deliverable
from roilab.delivery.metadata import export_metadata, git_commit
from roilab.delivery.parity import ParityError, PrecisionError, check_parity
from roilab.delivery.probability import RoiProbability, plain_trace
from roilab.delivery.settings import ExportError, ExportSettings
from roilab.delivery.torchscript import export_torchscript

__all__ = [
    "CardFacts",
    "Deliverable",
    "ExportError",
    "ExportSettings",
    "ParityError",
    "PrecisionError",
    "RoiProbability",
    "check_parity",
    "export_metadata",
    "export_torchscript",
    "facts_of_run",
    "git_commit",
    "plain_trace",
]
