"""Run the network as the node does: in chunks of channels."""

from collections.abc import Callable

import torch

from roilab.types import Frame
from roilab.wirecell.step_callback import StepCallback, ignore_step


@torch.no_grad()
def forward_in_chunks(
    network: Callable[[torch.Tensor], torch.Tensor],
    image: torch.Tensor,
    nchunks: int,
    after_step: StepCallback = ignore_step,
) -> Frame:
    """Return the ROI probability of an image, computed in chunks of its channels.

    ``torch.chunk`` splits the image and may give fewer chunks than ``nchunks``. The network sees
    each chunk without its neighbours: more chunks save memory, but lose context at their edges.

    Args:
        network: image (1, layer, channel, slice) to probability (1, 1, channel, slice).
        image: shape (1, layer, channel, slice).
        nchunks: number of parts.
        after_step: called after each step.

    Returns:
        Probability, shape (channel, slice), float32.
    """
    outputs = []
    for number, chunk in enumerate(image.chunk(nchunks, 2), start=1):
        part = chunk.clone() if nchunks > 1 else chunk
        after_step(f"chunk {number}: clone")
        output = network(part)
        after_step(f"chunk {number}: forward")
        outputs.append(output.cpu())
        del part, output
        after_step(f"chunk {number}: collect")
    probability: Frame = torch.cat(outputs, 2)[0, 0].float().numpy()
    after_step("join the chunks")
    return probability
