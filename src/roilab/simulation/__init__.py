"""Simulated frames, so that roilab can be tried and tested without a detector simulation."""

from roilab.simulation.placeholder import make_sample

__all__ = ["make_sample"]
