"""What happens beside training: checks, export, physics, pictures."""

from roilab.callbacks.checks import NanLossError, StopOnNanLoss, WarnEmptyTruth
from roilab.callbacks.export import ExportTorchScript
from roilab.callbacks.physics import PhysicsMetrics
from roilab.callbacks.pictures import EventPictures, LossCurves

__all__ = [
    "EventPictures",
    "ExportTorchScript",
    "LossCurves",
    "NanLossError",
    "PhysicsMetrics",
    "StopOnNanLoss",
    "WarnEmptyTruth",
]
