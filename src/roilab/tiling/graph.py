"""A network as a graph of operations on rows, and a region that needs full images."""

from dataclasses import dataclass, field

from torch import fx, nn


@dataclass
class GraphNode:
    """One image of features and the operation that computes it.

    Attributes:
        operation: see ``roilab.tiling.operations``.
        inputs: numbers of the nodes that it reads.
        like: number of the node to whose size the image is padded or cropped; the number of this
            node for all other operations.
        features: of the image.
        stride: ratio of the input's size to the image's size.
    """

    operation: nn.Module
    inputs: list[int]
    like: int
    features: int
    stride: int

    @property
    def geometry(self) -> list[int]:
        """Geometry of the operation's rows; see ``roilab.tiling.receptive_rows``."""
        geometry: list[int] = self.operation.geometry  # type: ignore[assignment]
        return geometry


@dataclass
class Graph:
    """A network in order of computation; node 0 is the input image, the last node the logits.

    Attributes:
        nodes: in order of computation.
        region: part that needs full images, from a list of tensors to a list of tensors; ``None``
            where every operation works on rows.
        region_inputs: numbers of the nodes that it reads.
        region_outputs: numbers of the nodes that it computes.
        region_peak: largest number of values that it holds at once, per pixel of the input.
    """

    nodes: list[GraphNode] = field(default_factory=list)
    region: fx.GraphModule | None = None
    region_inputs: list[int] = field(default_factory=list)
    region_outputs: list[int] = field(default_factory=list)
    region_peak: float = 0.0
