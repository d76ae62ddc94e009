"""Running the network as the node does: in parts along the channels."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray


@torch.no_grad()
def forward_in_chunks(
    network: Callable[[torch.Tensor], torch.Tensor], image: torch.Tensor, nchunks: int
) -> NDArray[np.float32]:
    """ROI probability of an image that is split along its channels by ``torch.chunk``.

    Each part is seen without its neighbours, so more parts save memory and cost context at
    their edges. ``torch.chunk`` may give fewer parts than asked for.

    Args:
        network: image (1, layer, channel, slice) to probability (1, 1, channel, slice).
        image: shape (1, layer, channel, slice).
        nchunks: number of parts.

    Returns:
        Probability, shape (channel, slice), float32.
    """
    parts = image.chunk(nchunks, 2)
    outputs = [network(part.clone() if nchunks > 1 else part).cpu() for part in parts]
    probability: NDArray[np.float32] = torch.cat(outputs, 2)[0, 0].float().numpy()
    return probability
