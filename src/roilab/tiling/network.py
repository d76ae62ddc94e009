"""The module that is exported: a network evaluated step by step, large images in bands."""

from collections.abc import Sequence

import torch
from torch import nn

from roilab.tiling.graph import Graph
from roilab.tiling.operations import Rows
from roilab.tiling.planner import Step
from roilab.tiling.receptive_rows import rows_needed, rows_out


class BandedNetwork(nn.Module):
    """A network whose steps each compute one image of features, whole or in bands of rows.

    TorchScript compiles it: every operation stands once in the code, and what a step does with
    which is plain integers.

    Args:
        graph: operations.
        steps: in order; the last one's target is the logits.
        width: slices of the image that the steps were planned for; with more or fewer, bands are
            narrower or wider, so that they hold the same number of pixels.
        bf16: whether features are in bf16, to which the module's weights are then to be put.
    """

    inputs: list[list[int]]
    geometry: list[list[int]]
    likes: list[int]
    region_inputs: list[int]
    region_outputs: list[int]
    targets: list[int]
    rows: list[int]
    active: list[list[int]]
    dropped: list[list[int]]

    def __init__(self, graph: Graph, steps: Sequence[Step], width: int, bf16: bool = False) -> None:
        super().__init__()
        self.operations = nn.ModuleList(node.operation for node in graph.nodes)
        self.inputs = [node.inputs for node in graph.nodes]
        self.geometry = [node.geometry for node in graph.nodes]
        self.likes = [node.like for node in graph.nodes]
        self.region = graph.region if graph.region is not None else NoRegion()
        self.region_inputs, self.region_outputs = graph.region_inputs, graph.region_outputs
        self.targets = [step.target for step in steps]
        self.rows = [step.rows for step in steps]
        self.active = [step.active for step in steps]
        self.dropped = [step.dropped for step in steps]
        self.features = [node.features for node in graph.nodes]
        self.width, self.bf16 = width, bf16

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Layers (batch, layer, channel, slice) to logits (batch, 1, channel, slice)."""
        nothing = torch.empty(0)
        images = [nothing for _ in self.inputs]
        images[0] = image
        heights, widths = [0 for _ in self.inputs], [0 for _ in self.inputs]
        self.complete(heights, widths, 0, image)
        for step, target in enumerate(self.targets):
            if target < 0:  # the region's turn
                outputs = self.region([images[i] for i in self.region_inputs])
                for number, output in zip(self.region_outputs, outputs):  # noqa: B905 (TorchScript)
                    images[number] = output
                    self.complete(heights, widths, number, output)
            else:
                images[target] = self.computed(step, images, heights, widths)
            for number in self.dropped[step]:
                images[number] = nothing
        return images[-1]

    def complete(
        self, heights: list[int], widths: list[int], known: int, image: torch.Tensor
    ) -> None:
        """Put in the sizes of all images that follow from one more; 0 is for those unknown."""
        heights[known], widths[known] = image.shape[2], image.shape[3]
        for number, inputs in enumerate(self.inputs):
            if heights[number] == 0 and len(inputs) > 0 and heights[inputs[0]] > 0:
                geometry, like = self.geometry[number], self.likes[number]
                heights[number] = rows_out(geometry, heights[inputs[0]], heights[like])
                widths[number] = rows_out(geometry, widths[inputs[0]], widths[like])

    def computed(
        self, step: int, images: list[torch.Tensor], heights: list[int], widths: list[int]
    ) -> torch.Tensor:
        """The image of a step, put together from bands."""
        target = self.targets[step]
        height = heights[target]
        rows = max(self.rows[step] * self.width // widths[0], 1)
        if rows >= height:
            return self.band(step, images, heights, widths, 0, height)
        # Before the bands, so that it does not lie above what they leave behind.
        whole = torch.empty(
            [images[0].shape[0], self.features[target], height, widths[target]],
            dtype=torch.bfloat16 if self.bf16 else torch.float32,
            device=images[0].device,
            memory_format=torch.channels_last,
        )
        for first in range(0, height, rows):
            last = min(first + rows, height)
            band = self.band(step, images, heights, widths, first, last)
            whole.narrow(2, first, last - first).copy_(band)
        return whole

    def band(
        self,
        step: int,
        images: list[torch.Tensor],
        heights: list[int],
        widths: list[int],
        first: int,
        last: int,
    ) -> torch.Tensor:
        """Rows of a step's image, from the images that are there."""
        lows, highs = self.needed(step, heights, first, last)
        active = [False for _ in heights]
        uses = [0 for _ in heights]
        for number in self.active[step]:
            active[number] = True
            for i in self.inputs[number]:
                uses[i] += 1
        nothing = torch.empty(0)
        bands = [image for image in images]
        for number, operation in enumerate(self.operations):
            if active[number]:
                taken: list[torch.Tensor] = []
                out = heights[number]
                place = Rows(lows[number], highs[number], out, 0, 0, widths[number])
                for i in self.inputs[number]:
                    low, high = rows_needed(
                        self.geometry[number], lows[number], highs[number], heights[i], out
                    )
                    top = lows[i] if active[i] else 0
                    taken.append(bands[i].narrow(2, low - top, high - low))
                    place = Rows(lows[number], highs[number], out, low, heights[i], widths[number])
                    uses[i] -= 1
                    if uses[i] == 0:
                        bands[i] = nothing
                bands[number] = operation(taken, place)
        return bands[self.targets[step]]

    def needed(
        self, step: int, heights: list[int], first: int, last: int
    ) -> tuple[list[int], list[int]]:
        """First row and row after the last of every image, for some rows of a step's."""
        lows, highs = [height for height in heights], [0 for _ in heights]
        lows[self.targets[step]], highs[self.targets[step]] = first, last
        for k in range(len(self.active[step]) - 1, -1, -1):
            number = self.active[step][k]
            for i in self.inputs[number]:
                low, high = rows_needed(
                    self.geometry[number], lows[number], highs[number], heights[i], heights[number]
                )
                lows[i], highs[i] = min(lows[i], low), max(highs[i], high)
        return lows, highs


class NoRegion(nn.Module):
    """Where every operation is on rows."""

    def forward(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
        """Never called."""
        return images
