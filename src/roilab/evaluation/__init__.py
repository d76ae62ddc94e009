"""Judging a network as a physicist does: charge against angle, beside classical ROIs."""

from roilab.evaluation.judge import Judge, Row
from roilab.evaluation.methods import Dnn, Gauss, Ideal, Method, dnn, ideal
from roilab.evaluation.network import Network, NetworkRecipe, open_network
from roilab.evaluation.sample import JudgedImage, few_of_each, read_sample
from roilab.evaluation.settings import Detector, EvaluationError, PhysicsSettings
from roilab.evaluation.table import write_csv, write_json

__all__ = [
    "Detector",
    "Dnn",
    "EvaluationError",
    "Gauss",
    "Ideal",
    "Judge",
    "JudgedImage",
    "Method",
    "Network",
    "NetworkRecipe",
    "PhysicsSettings",
    "Row",
    "dnn",
    "few_of_each",
    "ideal",
    "open_network",
    "read_sample",
    "write_csv",
    "write_json",
]
