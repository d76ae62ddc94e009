"""What happens beside training: checks, export, physics, pictures."""

from roilab.callbacks.checks import NanLossError, StopOnNanLoss, WarnEmptyTruth
from roilab.callbacks.export import ExportTorchScript
from roilab.callbacks.physics import PhysicsMetrics
from roilab.callbacks.pictures import EventPictures, LossCurves
from roilab.callbacks.ranked import RankedEvents
from roilab.callbacks.resuming import EarlyStopping, SaveBest, SaveLast

__all__ = [
    "EarlyStopping",
    "EventPictures",
    "ExportTorchScript",
    "LossCurves",
    "NanLossError",
    "PhysicsMetrics",
    "RankedEvents",
    "SaveBest",
    "SaveLast",
    "StopOnNanLoss",
    "WarnEmptyTruth",
]
