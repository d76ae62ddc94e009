"""Verdict on a network: better or worse than classical ROIs, where, and by how much.

Needs no torch, so that reports can use it.
"""

from roilab.verdict.rule import NETWORK, Outcome, Place, compare_places
from roilab.verdict.rule import number as cell_number
from roilab.verdict.tables import (
    TRAINING_TABLE,
    PhysicsTable,
    PhysicsTableError,
    read_run_tables,
    read_table,
    read_training_table,
)
from roilab.verdict.verdict import Kind, Verdict, compare_with_gauss, judge_training

__all__ = [
    "NETWORK",
    "TRAINING_TABLE",
    "Kind",
    "Outcome",
    "PhysicsTable",
    "PhysicsTableError",
    "Place",
    "Verdict",
    "cell_number",
    "compare_places",
    "compare_with_gauss",
    "judge_training",
    "read_run_tables",
    "read_table",
    "read_training_table",
]
