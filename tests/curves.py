"""Curves of a training that a second training must repeat."""

from pathlib import Path

from roilab.csv_log import Curves, read_curves


def results_of(folder: Path) -> Curves:
    """Return curves without speed and memory, which differ from run to run."""
    curves = read_curves(folder)
    return {n: c for n, c in curves.items() if not n.startswith(("speed/", "memory/"))}
