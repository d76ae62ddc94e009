"""A network as a graph of operations on rows, with what cannot be one left in a region."""

from dataclasses import dataclass, field

from torch import fx, nn


@dataclass
class Node:
    """One image of features.

    Attributes:
        operation: that computes it.
        inputs: nodes it is computed from.
        like: node into whose size it is placed; itself where that is no matter.
        features: of the image.
        stride: by which it is smaller than the input.
    """

    operation: nn.Module
    inputs: list[int]
    like: int
    features: int
    stride: int

    @property
    def geometry(self) -> list[int]:
        """Of its rows; see ``roilab.tiling.receptive_rows``."""
        geometry: list[int] = self.operation.geometry  # type: ignore[assignment]
        return geometry


@dataclass
class Graph:
    """A network in the order of computation; node 0 is the image, the last its logits.

    Attributes:
        nodes: all of them.
        region: what runs on whole images: tensors of ``region_inputs`` to those of
            ``region_outputs``; ``None`` where every operation is on rows.
        region_inputs: nodes.
        region_outputs: nodes.
        region_peak: numbers that the region holds at its worst moment, for each pixel of the input.
    """

    nodes: list[Node] = field(default_factory=list)
    region: fx.GraphModule | None = None
    region_inputs: list[int] = field(default_factory=list)
    region_outputs: list[int] = field(default_factory=list)
    region_peak: float = 0.0
