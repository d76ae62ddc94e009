"""A column of a table against another quantity, with asymmetric error bars."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from roilab.types import Row


def draw_column(
    axis: Axes, x: Sequence[float], rows: Sequence[Row], name: str, **style: Any
) -> None:
    """Draw one value a row, with error bars where rows have ``NAME_low`` and ``NAME_high``."""
    names = [name, f"{name}_low", f"{name}_high"] if f"{name}_low" in rows[0] else [name]
    values, *bounds = (np.array([row[n] for row in rows], dtype=np.float64) for n in names)
    errors = [values - bounds[0], bounds[1] - values] if bounds else None
    axis.errorbar(x, values, errors, **style)
