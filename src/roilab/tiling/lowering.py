"""Convert a traced network to a graph of operations on rows."""

import copy
import operator
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from roilab.models import RoiNetwork
from roilab.models.blocks import pad_to
from roilab.tiling import operations
from roilab.tiling.graph import Graph, GraphNode
from roilab.tiling.tracing import find_region, is_size, pads_outside, trace

_EXAMPLE_SIZE = (96, 160)  # image for finding features and strides; any size gives the same


def lower(net: nn.Module, preprocess: nn.Module, n_layers: int) -> Graph:
    """Return a network as a graph of operations on rows, from the input image to logits.

    Args:
        net: in evaluation mode; not changed.
        preprocess: module applied to single pixels of the input image first; ``nn.Identity`` for
            none.
        n_layers: number of input layers.

    Raises:
        Exception: (of many types) a network that is no ``RoiNetwork`` cannot be traced.
    """
    traced = trace(net)
    multiple = net.multiple if isinstance(net, RoiNetwork) and pads_outside(net) else 1
    return _Lowering(traced, find_region(traced), n_layers, multiple, preprocess).graph


class _Lowering:
    """Converts traced nodes to operations, one after the other.

    Attributes:
        graph: the result.
        numbers: number of the graph's node, by traced node.
        split: inputs of a concatenation that is not computed, by its traced node. Each
            convolution of it becomes a sum of convolutions, one per input.
    """

    def __init__(
        self,
        traced: fx.GraphModule,
        region: list[fx.Node],
        n_layers: int,
        multiple: int,
        preprocess: nn.Module,
    ) -> None:
        self.traced, self.region = traced, region
        self.graph = Graph()
        self.numbers: dict[fx.Node, int] = {}
        self.split: dict[fx.Node, list[int]] = {}
        with torch.no_grad():
            ShapeProp(traced).propagate(torch.zeros(1, n_layers, *_EXAMPLE_SIZE))
        earlier, later = _split_at_region(traced, region)
        (image,) = (node for node in earlier if node.op == "placeholder")
        self._add(image, operations.ExternalImage(), [])
        if not isinstance(preprocess, nn.Identity):
            self._add(image, operations.Pointwise(preprocess), [len(self.graph.nodes) - 1])
        if multiple > 1:
            self._add(image, operations.PadOrCrop(multiple), [len(self.graph.nodes) - 1])
        for node in earlier:
            self._lower(node)
        if region:
            self._extract_region()
        for node in later:
            self._lower(node)
        (output,) = (n.args[0] for n in traced.graph.nodes if n.op == "output")
        if output in region:  # the last node of the graph must be one of its steps
            self._add(output, operations.Pointwise(nn.Identity()), [self.numbers[output]])

    def _add(self, node: fx.Node, operation: nn.Module, inputs: list[int], like: int = -1) -> None:
        number = self.numbers[node] = len(self.graph.nodes)
        _, features, height, _ = node.meta["tensor_meta"].shape
        stride = _EXAMPLE_SIZE[0] // height
        like = number if like < 0 else like
        self.graph.nodes.append(GraphNode(operation, inputs, like, features, stride))

    def _lower(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            return
        x: Any = node.args[0]
        if node.op == "call_module":
            self._lower_module(node, x, self.traced.get_submodule(str(node.target)))
        elif node.target is torch.cat:
            inputs = [self.numbers[part] for part in x]
            if all(self._can_split(user) for user in node.users):
                self.split[node] = inputs
            else:
                self._add(node, operations.Concatenation(), inputs)
        elif node.target is pad_to:
            height: Any = node.args[1]
            like = self.numbers[height.args[0].args[0]]  # height is like.shape[2]
            self._add(node, operations.PadOrCrop(), [self.numbers[x]], like)
        else:
            self._add(node, operations.Addition(), [self.numbers[i] for i in node.all_input_nodes])

    def _lower_module(self, node: fx.Node, x: fx.Node, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            inputs = self.split[x] if x in self.split else [self.numbers[x]]
            parts = _split_convolution(module, [self.graph.nodes[i].features for i in inputs])
            self._add(node, operations.Convolution(parts), inputs)
        elif isinstance(module, nn.MaxPool2d):
            self._add(node, operations.MaxPool(module), [self.numbers[x]])
        elif isinstance(module, nn.Upsample):
            scale: Any = module.scale_factor
            upsampling = operations.BilinearUpsampling(int(scale), bool(module.align_corners))
            self._add(node, upsampling, [self.numbers[x]])
        elif isinstance(module, nn.PixelShuffle):
            shuffle = operations.PixelShuffle(module.upscale_factor)
            self._add(node, shuffle, [self.numbers[x]])
        elif isinstance(module, nn.BatchNorm2d):
            operation = operations.Pointwise(operations.ScaleAndShift(module))
            self._add(node, operation, [self.numbers[x]])
            if hasattr(module, "act"):
                operation.activation = _copy_activation(module.get_submodule("act"), in_place=True)
        else:
            self._lower_activation(node, x, module)

    def _lower_activation(self, node: fx.Node, x: fx.Node, module: nn.Module) -> None:
        """Append an activation to the operation before it where no other node reads that."""
        before = self.graph.nodes[self.numbers[x]].operation
        if isinstance(getattr(before, "activation", None), nn.Identity) and len(x.users) == 1:
            before.activation = _copy_activation(module, in_place=True)
            self.numbers[node] = self.numbers[x]
        else:
            operation = operations.Pointwise(_copy_activation(module, in_place=False))
            self._add(node, operation, [self.numbers[x]])

    def _can_split(self, user: fx.Node) -> bool:
        """Return whether a reader of concatenated features can be one convolution per input."""
        if user.op != "call_module" or user in self.region:
            return False
        module = self.traced.get_submodule(str(user.target))
        return isinstance(module, nn.Conv2d) and module.groups == 1

    def _extract_region(self) -> None:
        """Move the region into a module; its outputs become external images of the graph."""
        graph, region = fx.Graph(), set(self.region)
        copies: dict[fx.Node, fx.Node] = {}
        inputs = list(dict.fromkeys(_image_of(i) for n in self.region for i in n.all_input_nodes))
        images = graph.placeholder("images", type_expr=list[torch.Tensor])
        for number, node in enumerate(i for i in inputs if i not in region):
            copies[node] = graph.call_function(operator.getitem, (images, number))
            self.graph.region_inputs.append(self.numbers[node])

        def copy_of(node: fx.Node) -> fx.Node:
            if node not in copies:  # a size: computed again inside the region
                copies[node] = graph.node_copy(node, copy_of)
            return copies[node]

        for node in self.region:
            copies[node] = graph.node_copy(node, copy_of)
        outputs = [n for n in self.region if any(u not in region for u in n.users)]
        graph.output([copies[n] for n in outputs])
        self.graph.region = fx.GraphModule(self.traced, graph)
        self.graph.region_peak = _peak(self.region) / (_EXAMPLE_SIZE[0] * _EXAMPLE_SIZE[1])
        for node in outputs:
            self._add(node, operations.ExternalImage(), [])
            self.graph.region_outputs.append(self.numbers[node])


def _peak(nodes: list[fx.Node]) -> int:
    """Return the largest number of values stored while nodes are computed one by one."""
    stored, peak = 0, 0
    readers = {node: len(node.users) for node in nodes}
    for node in nodes:
        stored += _count_values(node)
        peak = max(peak, stored)
        for i in node.all_input_nodes:
            if i in readers:
                readers[i] -= 1
                stored -= _count_values(i) if readers[i] == 0 else 0
    return peak


def _count_values(node: fx.Node) -> int:
    meta: Any = node.meta.get("tensor_meta")
    tensors: Any = [meta] if hasattr(meta, "shape") or meta is None else meta
    return sum(m.shape.numel() for m in tensors if hasattr(m, "shape"))


def _split_at_region(
    traced: fx.GraphModule, region: list[fx.Node]
) -> tuple[list[fx.Node], list[fx.Node]]:
    """Return the images that do not depend on the region, and those that do."""
    earlier: list[fx.Node] = []
    later: list[fx.Node] = []
    dependent = set(region)
    for node in traced.graph.nodes:
        if any(i in dependent for i in node.all_input_nodes):
            dependent.add(node)
        if node.op != "output" and node not in region and not is_size(node):
            (later if node in dependent else earlier).append(node)
    return earlier, later


def _image_of(node: fx.Node) -> fx.Node:
    """Return the image of which a node is the size; any other node itself."""
    while is_size(node):
        node = node.all_input_nodes[0]
    return node


def _split_convolution(conv: nn.Conv2d, features: list[int]) -> list[nn.Conv2d]:
    """Return one convolution per input, whose outputs add up; the first has the bias."""
    if len(features) == 1:
        return [conv]
    parts: list[nn.Conv2d] = []
    for weight in torch.split(conv.weight.detach(), features, dim=1):
        part = copy.copy(conv)
        part._parameters = {
            "weight": nn.Parameter(weight.contiguous(), requires_grad=False),
            "bias": None if parts else conv.bias,  # type: ignore[dict-item]
        }
        parts.append(part)
    return parts


def _copy_activation(module: nn.Module, in_place: bool) -> nn.Module:
    """Return a copy that changes its input in place, where it can, or that never does."""
    module = copy.deepcopy(module)
    if hasattr(module, "inplace"):
        module.inplace = in_place  # type: ignore[assignment]
    return module
