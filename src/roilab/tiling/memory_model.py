"""Model of the memory and the computing time of a step."""

from collections import Counter
from dataclasses import dataclass
from functools import cache

from roilab.tiling.graph import Graph, GraphNode
from roilab.tiling.operations import (
    BilinearUpsampling,
    Concatenation,
    Convolution,
    PadOrCrop,
    PixelShuffle,
)
from roilab.tiling.receptive_rows import input_rows, output_height
from roilab.types import Range

_MULTIPLY_ADDS_PER_SECOND = 1e11
_BYTES_PER_SECOND = 1e10


@dataclass(frozen=True)
class StepCost:
    """Cost of one step.

    Attributes:
        peak: largest memory of one band while it is computed, with the band itself [bytes].
        seconds: computing time of all bands; a rough model, only ratios are meaningful.
    """

    peak: int
    seconds: float


class MemoryModel:
    """Memory and computing time of a graph's steps for images of one size.

    Args:
        graph: operations.
        size: channels and slices of the input image.
        bytes_per_number: 4 for float32, 2 for bf16.

    Attributes:
        heights: rows of every node's image.
        widths: slices of every node's image.
        region_peak: largest memory of the region [bytes].
        step_cost: cost of computing the nodes ``active`` in bands of ``rows``; results are cached.
    """

    def __init__(self, graph: Graph, size: tuple[int, int], bytes_per_number: int) -> None:
        self.graph, self.bytes_per_number = graph, bytes_per_number
        self.heights = self._sizes(size[0])
        self.widths = self._sizes(size[1])
        self.region_peak = int(graph.region_peak * size[0] * size[1] * bytes_per_number)
        self.step_cost = cache(self._step_cost)

    def image_bytes(self, number: int, rows: int | None = None) -> int:
        """Return the memory of a node's image, or of some of its rows [bytes]."""
        rows = self.heights[number] if rows is None else rows
        features = self.graph.nodes[number].features
        return features * rows * self.widths[number] * self.bytes_per_number

    def _sizes(self, size: int) -> list[int]:
        sizes: list[int] = []
        for number, node in enumerate(self.graph.nodes):
            if number == 0:
                sizes.append(size)
            elif node.inputs:
                like = sizes[node.like] if node.like < number else 0
                sizes.append(output_height(node.geometry, sizes[node.inputs[0]], like))
            else:
                sizes.append(round(size / node.stride))
        return sizes

    def active_nodes(self, target: int, available: frozenset[int]) -> tuple[int, ...]:
        """Return the nodes to compute for a target from the available images, in order."""
        needed, active = {target}, []
        for number in range(target, 0, -1):
            if number in needed and (number not in available or number == target):
                active.append(number)
                needed.update(self.graph.nodes[number].inputs)
        return tuple(reversed(active))

    def _step_cost(self, active: tuple[int, ...], rows: int) -> StepCost:
        """Return the cost of a target (the last of ``active``), from a band in its middle."""
        height = self.heights[active[-1]]
        rows = min(rows, height)
        first = (height - rows) // 2
        ranges = self._needed_rows(active, (first, first + rows))
        computed = set(active)
        uses = Counter(i for number in active for i in self.graph.nodes[number].inputs)
        held, peak, seconds = 0, 0, 0.0
        for number in active:
            node, n_rows = self.graph.nodes[number], _length(ranges[number])
            output = self.image_bytes(number, n_rows)
            peak = max(peak, held + output + self._temporary_bytes(node, number, ranges))
            held += output
            seconds += self._seconds(node, number, n_rows)
            for i in node.inputs:
                uses[i] -= 1
                if i in computed and uses[i] == 0:
                    held -= self.image_bytes(i, _length(ranges[i]))
        return StepCost(peak, seconds * height / rows)

    def _needed_rows(self, active: tuple[int, ...], rows: Range) -> dict[int, Range]:
        """Return the rows of every image that some rows of a target need."""
        ranges = {active[-1]: rows}
        for number in reversed(active):
            node = self.graph.nodes[number]
            for i in node.inputs:
                low, high = input_rows(
                    node.geometry, *ranges[number], self.heights[i], self.heights[number]
                )
                other_low, other_high = ranges.get(i, (low, high))
                ranges[i] = (min(other_low, low), max(other_high, high))
        return ranges

    def _temporary_bytes(self, node: GraphNode, number: int, ranges: dict[int, Range]) -> int:
        """Return the memory of an operation's temporary tensors [bytes]."""
        operation, rows = node.operation, _length(ranges[number])
        if isinstance(operation, Convolution):
            # The input image is copied to the layout channels_last.
            image = self.image_bytes(0, _length(ranges[0])) if node.inputs == [0] else 0
            return image + (self.image_bytes(number, rows) if len(operation.others) else 0)
        if isinstance(operation, BilinearUpsampling) and operation.align_corners:
            return 3 * self.image_bytes(number, rows) // operation.scale
        return 0

    def _seconds(self, node: GraphNode, number: int, rows: int) -> float:
        output = self.image_bytes(number, rows)
        seconds = 2 * output / _BYTES_PER_SECOND
        if isinstance(node.operation, Convolution):
            parameters = node.operation.named_parameters()
            weights = sum(weight.numel() for name, weight in parameters if name != "bias")
            seconds += rows * self.widths[number] * weights / _MULTIPLY_ADDS_PER_SECOND
        elif isinstance(
            node.operation, (BilinearUpsampling, PixelShuffle, PadOrCrop, Concatenation)
        ):
            seconds += output / _BYTES_PER_SECOND
        return seconds


def _length(rows: Range) -> int:
    return rows[1] - rows[0]
