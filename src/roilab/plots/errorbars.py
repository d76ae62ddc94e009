"""A column of a table against another quantity, with asymmetric error bars."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from roilab.types import Row


def draw_column(
    axis: Axes, x: Sequence[float], rows: Sequence[Row], name: str, **style: Any
) -> None:
    """Draw one value a row, with error bars where the rows have bounds.

    Args:
        axis: to draw on.
        x: position of every row.
        rows: of a table; ``NAME_low`` and ``NAME_high`` are the bounds of a value.
        name: of the column.
        style: of ``Axes.errorbar``.
    """
    values = np.array([row[name] for row in rows], dtype=np.float64)
    errors = None
    if f"{name}_low" in rows[0]:
        low, high = (
            np.array([row[f"{name}_{side}"] for row in rows], dtype=np.float64)
            for side in ("low", "high")
        )
        errors = np.array([values - low, high - values])
    axis.errorbar(x, values, errors, **style)
