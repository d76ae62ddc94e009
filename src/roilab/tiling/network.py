"""The network inside an exported file: computed step by step, large images in bands."""
# ruff: noqa: D102  (an interface of TorchScript holds nothing but `pass`)

from collections.abc import Sequence

import torch
from torch import nn

from roilab.tiling.graph import Graph
from roilab.tiling.operations import Band
from roilab.tiling.planner import Step
from roilab.tiling.receptive_rows import input_rows, output_height
from roilab.wirecell.torchscript import ignore_deprecation

with ignore_deprecation():

    @torch.jit.interface
    class OperationInterface(nn.Module):
        """What all operations have in common; TorchScript calls them through it.

        A call through an interface is not copied into the caller. So TorchScript compiles each
        operation once, and not once for every place that may call it; that took most of the first
        two events of a job.
        """

        def forward(self, inputs: list[torch.Tensor], band: Band) -> torch.Tensor:  # type: ignore[empty-body]
            pass  # TorchScript requires this statement


class TiledNetwork(nn.Module):
    """A network in steps; each step computes one image of features, in full or in bands of rows.

    TorchScript compiles it. Steps are stored as lists of integers, so each operation is compiled
    once, however many steps use it.

    Args:
        graph: operations.
        steps: in order; the target of the last is the logits.
        width: slices of the planned image. For another width, the rows of a band are scaled so that
            it has the same number of pixels.
        bf16: features are bf16; the caller converts the weights.
    """

    inputs: list[list[int]]  # lists that can be empty: TorchScript cannot find their types
    active: list[list[int]]
    dropped: list[list[int]]
    region_inputs: list[int]
    region_outputs: list[int]

    def __init__(self, graph: Graph, steps: Sequence[Step], width: int, bf16: bool = False) -> None:
        super().__init__()
        self.operations = nn.ModuleList(node.operation for node in graph.nodes)
        self.inputs = [node.inputs for node in graph.nodes]
        self.geometry = [node.geometry for node in graph.nodes]
        self.likes = [node.like for node in graph.nodes]
        self.region = graph.region if graph.region is not None else EmptyRegion()
        self.region_inputs, self.region_outputs = graph.region_inputs, graph.region_outputs
        self.targets = [step.target for step in steps]
        self.rows = [step.rows for step in steps]
        self.active = [step.active for step in steps]
        self.dropped = [step.dropped for step in steps]
        self.features = [node.features for node in graph.nodes]
        self.width, self.bf16 = width, bf16

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (batch, 1, channel, slice) of layers (batch, layer, channel, slice)."""
        empty = torch.empty(0)
        images = [empty for _ in self.inputs]
        images[0] = image
        heights, widths = [0 for _ in self.inputs], [0 for _ in self.inputs]
        self.fill_sizes(heights, widths, 0, image)
        for step, target in enumerate(self.targets):
            if target < 0:  # planner.REGION
                outputs = self.region([images[i] for i in self.region_inputs])
                for number, output in zip(self.region_outputs, outputs):  # noqa: B905 (TorchScript)
                    images[number] = output
                    self.fill_sizes(heights, widths, number, output)
            else:
                images[target] = self.compute_step(step, images, heights, widths)
            for number in self.dropped[step]:
                images[number] = empty
        return images[-1]

    def fill_sizes(
        self, heights: list[int], widths: list[int], known: int, image: torch.Tensor
    ) -> None:
        """Fill in the size of one known image and all sizes that follow from it; 0 is unknown."""
        heights[known], widths[known] = image.shape[2], image.shape[3]
        for number, inputs in enumerate(self.inputs):
            if heights[number] == 0 and len(inputs) > 0 and heights[inputs[0]] > 0:
                geometry, like = self.geometry[number], self.likes[number]
                heights[number] = output_height(geometry, heights[inputs[0]], heights[like])
                widths[number] = output_height(geometry, widths[inputs[0]], widths[like])

    def compute_step(
        self, step: int, images: list[torch.Tensor], heights: list[int], widths: list[int]
    ) -> torch.Tensor:
        """Compute the full image of a step, at once or band by band."""
        target = self.targets[step]
        height = heights[target]
        rows = max(self.rows[step] * self.width // widths[0], 1)
        if rows >= height:
            return self.compute_band(step, images, heights, widths, 0, height)
        # Allocated before the bands, so that freed bands leave no hole below it in memory.
        full = torch.empty(
            [images[0].shape[0], self.features[target], height, widths[target]],
            dtype=torch.bfloat16 if self.bf16 else torch.float32,
            device=images[0].device,
            memory_format=torch.channels_last,
        )
        for first in range(0, height, rows):
            last = min(first + rows, height)
            band = self.compute_band(step, images, heights, widths, first, last)
            full.narrow(2, first, last - first).copy_(band)
        return full

    def compute_band(
        self,
        step: int,
        images: list[torch.Tensor],
        heights: list[int],
        widths: list[int],
        first: int,
        last: int,
    ) -> torch.Tensor:
        """Compute rows ``first`` to ``last`` of a step's image from the stored images."""
        lows, highs = self.find_rows(step, heights, first, last)
        active = [False for _ in heights]
        uses = [0 for _ in heights]
        for number in self.active[step]:
            active[number] = True
            for i in self.inputs[number]:
                uses[i] += 1
        empty = torch.empty(0)
        bands = [image for image in images]
        for number in self.active[step]:
            operation: OperationInterface = self.operations[number]  # type: ignore[assignment]
            parts: list[torch.Tensor] = []
            low_out, high_out, height = lows[number], highs[number], heights[number]
            band = Band(low_out, high_out, height, 0, 0, widths[number])
            for i in self.inputs[number]:
                low, high = input_rows(self.geometry[number], low_out, high_out, heights[i], height)
                top = lows[i] if active[i] else 0
                parts.append(bands[i].narrow(2, low - top, high - low))
                band = Band(low_out, high_out, height, low, heights[i], widths[number])
                uses[i] -= 1
                if uses[i] == 0:
                    bands[i] = empty
            bands[number] = operation.forward(parts, band)
        return bands[self.targets[step]]

    def find_rows(
        self, step: int, heights: list[int], first: int, last: int
    ) -> tuple[list[int], list[int]]:
        """Return first row and row after the last of every image that a step's rows need."""
        lows, highs = [height for height in heights], [0 for _ in heights]
        lows[self.targets[step]], highs[self.targets[step]] = first, last
        for k in range(len(self.active[step]) - 1, -1, -1):
            number = self.active[step][k]
            for i in self.inputs[number]:
                low, high = input_rows(
                    self.geometry[number], lows[number], highs[number], heights[i], heights[number]
                )
                lows[i], highs[i] = min(lows[i], low), max(highs[i], high)
        return lows, highs


class EmptyRegion(nn.Module):
    """Region of a graph in which every operation works on rows."""

    def forward(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the input; never called."""
        return images
