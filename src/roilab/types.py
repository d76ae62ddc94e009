"""Type aliases: plane images, masks, arrays, ranges, table rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.float32]  # (channel, tick) or (channel, slice)
Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Range = tuple[int, int]  # half-open
Row = dict[str, Any]
