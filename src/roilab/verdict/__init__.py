"""Verdict on a network: better or worse than classical ROIs, where, and by how much.

Needs no torch, so that reports can use it.
"""

from roilab.verdict.rule import Outcome, Place, compare_places
from roilab.verdict.tables import TRAINING_TABLE, PhysicsTableError, read_table, read_training_table
from roilab.verdict.verdict import Kind, Verdict, compare_with_gauss, judge_training

__all__ = [
    "TRAINING_TABLE",
    "Kind",
    "Outcome",
    "PhysicsTableError",
    "Place",
    "Verdict",
    "compare_places",
    "compare_with_gauss",
    "judge_training",
    "read_table",
    "read_training_table",
]
