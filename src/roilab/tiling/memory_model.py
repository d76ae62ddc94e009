"""What a step costs: memory of its bands, and time by a simple model."""

from dataclasses import dataclass
from functools import cache

from roilab.tiling.graph import Graph, Node
from roilab.tiling.operations import Bilinear, Convolution, Join, Place
from roilab.tiling.receptive_rows import rows_needed, rows_out

_MACS_PER_SECOND = 1e11
_BYTES_PER_SECOND = 1e10


@dataclass(frozen=True)
class Cost:
    """Of computing some rows.

    Attributes:
        peak: memory at the worst moment, with the rows that result [bytes].
        seconds: by the model; only ratios mean something.
    """

    peak: int
    seconds: float


class Costs:
    """Costs of the steps of one graph for images of one size.

    Args:
        graph: operations.
        size: channels and slices of the image.
        item: bytes of a number.
    """

    def __init__(self, graph: Graph, size: tuple[int, int], item: int) -> None:
        self.graph, self.item = graph, item
        self.heights = self._sizes(size[0])
        self.widths = self._sizes(size[1])
        self.region = int(graph.region_peak * size[0] * size[1] * item)
        self.step = cache(self._step)

    def bytes_of(self, number: int, rows: int | None = None) -> int:
        """Of an image, or of some of its rows."""
        rows = self.heights[number] if rows is None else rows
        return self.graph.nodes[number].features * rows * self.widths[number] * self.item

    def _sizes(self, size: int) -> list[int]:
        sizes: list[int] = []
        for number, node in enumerate(self.graph.nodes):
            if number == 0:
                sizes.append(size)
            elif node.inputs:
                like = sizes[node.like] if node.like < number else 0
                sizes.append(rows_out(node.geometry, sizes[node.inputs[0]], like))
            else:
                sizes.append(round(size / node.stride))
        return sizes

    def active(self, target: int, available: frozenset[int]) -> tuple[int, ...]:
        """Operations between the images that are there and a target, in order."""
        wanted, active = {target}, []
        for number in range(target, 0, -1):
            if number in wanted and (number not in available or number == target):
                active.append(number)
                wanted.update(self.graph.nodes[number].inputs)
        return tuple(reversed(active))

    def _step(self, active: tuple[int, ...], rows: int) -> Cost:
        """Cost of a target (the last of ``active``) computed in bands of ``rows``."""
        height = self.heights[active[-1]]
        rows = min(rows, height)
        first = (height - rows) // 2
        one = self._band(active, first, first + rows)
        return Cost(one.peak, one.seconds * height / rows)

    def _band(self, active: tuple[int, ...], first: int, last: int) -> Cost:
        nodes, inside = self.graph.nodes, set(active)
        span = {active[-1]: (first, last)}
        uses = dict.fromkeys(active, 0)
        for number in reversed(active):
            low, high = span[number]
            for i in nodes[number].inputs:
                need = rows_needed(
                    nodes[number].geometry, low, high, self.heights[i], self.heights[number]
                )
                before = span.get(i, need)
                span[i] = (min(before[0], need[0]), max(before[1], need[1]))
                if i in inside:
                    uses[i] += 1
        held, peak, seconds = 0, 0, 0.0
        for number in active:
            node, rows = nodes[number], span[number][1] - span[number][0]
            out = self.bytes_of(number, rows)
            peak = max(peak, held + out + self._scratch(node, number, rows, span))
            held += out
            seconds += self._seconds(node, number, rows)
            for i in node.inputs:
                if i in inside:
                    uses[i] -= 1
                    held -= self.bytes_of(i, span[i][1] - span[i][0]) if uses[i] == 0 else 0
        return Cost(peak, seconds)

    def _scratch(self, node: Node, number: int, rows: int, span: dict[int, tuple[int, int]]) -> int:
        """Memory that an operation takes beside its inputs and output."""
        operation = node.operation
        if isinstance(operation, Convolution):
            image = self.bytes_of(0, span[0][1] - span[0][0]) if node.inputs == [0] else 0
            return image + (self.bytes_of(number, rows) if len(operation.others) else 0)
        if isinstance(operation, Bilinear) and operation.align_corners:
            return 3 * self.bytes_of(number, rows) // operation.scale
        return 0

    def _seconds(self, node: Node, number: int, rows: int) -> float:
        moved = self.bytes_of(number, rows)
        pixels = rows * self.widths[number]
        seconds = 2 * moved / _BYTES_PER_SECOND
        if isinstance(node.operation, Convolution):
            convolution = node.operation
            weights = [w for name, w in convolution.named_parameters() if name != "bias"]
            macs = pixels * sum(w.numel() for w in weights)
            seconds += macs / _MACS_PER_SECOND
        elif isinstance(node.operation, (Bilinear, Place, Join)):
            seconds += moved / _BYTES_PER_SECOND
        return seconds
