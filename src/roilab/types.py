"""Type aliases: plane images, masks, ranges, table rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.float32]  # (channel, tick) or (channel, slice)
Mask = NDArray[np.bool_]
Range = tuple[int, int]  # half-open
Row = dict[str, Any]
