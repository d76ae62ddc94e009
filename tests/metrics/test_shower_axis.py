"""Vertex and direction of showers with known charge."""

import numpy as np

from roilab.metrics import shower_axis


def test_shower_axis() -> None:
    rise_and_tail = np.array([2, 6, 9, 8, 7, 5, 4, 3, 2, 1.5, 1, 1]) * 1e4
    charge = np.zeros(40)
    charge[10:22] = rise_and_tail
    charge[5] = 4000  # below what makes a channel valid
    charge[30] = 2e4  # a photon that converted far ahead
    axis = shower_axis(charge, 5000)
    assert axis is not None
    assert (axis.vertex, axis.step) == (10, 1)
    assert axis.wires(40, 42) == slice(10, 40)
    assert axis.wires(40, 5) == slice(10, 15)
    mirrored = shower_axis(charge[::-1], 5000)
    assert mirrored is not None
    assert (mirrored.vertex, mirrored.step) == (29, -1)
    assert mirrored.wires(40, 42) == slice(0, 30)
    assert mirrored.wires(40, 5) == slice(25, 30)
    assert shower_axis(np.full(3, 10.0), 5000) is None
