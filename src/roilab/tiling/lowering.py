"""From a traced network to operations on rows."""

import copy
import operator
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from roilab.models import RoiNetwork
from roilab.models.blocks import pad_to
from roilab.tiling.graph import Graph, Node
from roilab.tiling.operations import (
    Affine,
    Bilinear,
    Convolution,
    Given,
    Join,
    MaxPool,
    Place,
    Pointwise,
    Sum,
)
from roilab.tiling.tracing import find_region, is_size, trace

_PROBE_SIZE = (96, 160)  # of the image that shapes are seen from; any would do


def lower(net: RoiNetwork, before: nn.Module) -> Graph:
    """A network as a graph of operations on rows, from the image as it comes to logits.

    Args:
        net: in evaluation mode; left as it is.
        before: what each pixel goes through first.
    """
    traced = trace(net)
    return _Lowering(traced, find_region(traced), net, before).graph


class _Lowering:
    """Turns traced nodes into operations, one after the other."""

    def __init__(
        self, traced: fx.GraphModule, region: list[fx.Node], net: RoiNetwork, before: nn.Module
    ) -> None:
        self.traced, self.region = traced, region
        self.graph = Graph()
        self.number: dict[fx.Node, int] = {}
        self.joined: dict[fx.Node, list[int]] = {}
        with torch.no_grad():
            ShapeProp(traced).propagate(torch.zeros(1, net.n_layers, *_PROBE_SIZE))
        earlier, later = _around(traced, region)
        (image,) = (node for node in earlier if node.op == "placeholder")
        self._add(image, Given(), [])
        if not isinstance(before, nn.Identity):
            self._add(image, Pointwise(before), [len(self.graph.nodes) - 1])
        if net.multiple > 1:
            self._add(image, Place(net.multiple), [len(self.graph.nodes) - 1])
        for node in earlier:
            self._lower(node)
        if region:
            self._cut_region()
        for node in later:
            self._lower(node)

    def _add(self, node: fx.Node, operation: nn.Module, inputs: list[int], like: int = -1) -> None:
        number = self.number[node] = len(self.graph.nodes)
        _, features, height, _ = node.meta["tensor_meta"].shape
        stride = _PROBE_SIZE[0] // height
        like = number if like < 0 else like
        self.graph.nodes.append(Node(operation, inputs, like, features, stride))

    def _lower(self, node: fx.Node) -> None:
        if node.op == "placeholder":
            return
        x: Any = node.args[0]
        if node.op == "call_module":
            self._lower_module(node, x, self.traced.get_submodule(str(node.target)))
        elif node.target is torch.cat:
            inputs = [self.number[part] for part in x]
            if all(self._splits(user) for user in node.users):
                self.joined[node] = inputs
            else:
                self._add(node, Join(), inputs)
        elif node.target is pad_to:
            height: Any = node.args[1]
            self._add(node, Place(), [self.number[x]], self.number[height.args[0].args[0]])
        else:
            self._add(node, Sum(), [self.number[i] for i in node.all_input_nodes])

    def _lower_module(self, node: fx.Node, x: fx.Node, module: nn.Module) -> None:
        if isinstance(module, nn.Conv2d):
            inputs = self.joined[x] if x in self.joined else [self.number[x]]
            parts = _split(module, [self.graph.nodes[i].features for i in inputs])
            self._add(node, Convolution(parts), inputs)
        elif isinstance(module, nn.MaxPool2d):
            self._add(node, MaxPool(module), [self.number[x]])
        elif isinstance(module, nn.Upsample):
            up = Bilinear(int(module.scale_factor), bool(module.align_corners))  # type: ignore[arg-type]
            self._add(node, up, [self.number[x]])
        elif isinstance(module, nn.BatchNorm2d):
            self._add(node, Pointwise(Affine(module)), [self.number[x]])
            if hasattr(module, "act"):
                self.graph.nodes[-1].operation.activation = _activation(
                    module.get_submodule("act"), True
                )
        else:
            before = self.graph.nodes[self.number[x]].operation
            if isinstance(getattr(before, "activation", None), nn.Identity) and len(x.users) == 1:
                before.activation = _activation(module, True)
                self.number[node] = self.number[x]
            else:
                self._add(node, Pointwise(_activation(module, False)), [self.number[x]])

    def _splits(self, user: fx.Node) -> bool:
        """Whether a user of joined features is a convolution that can be one for each of them."""
        if user.op != "call_module" or user in self.region:
            return False
        module = self.traced.get_submodule(str(user.target))
        return isinstance(module, nn.Conv2d) and module.groups == 1

    def _cut_region(self) -> None:
        """The region as a module of its own; its outputs become given images."""
        graph, region = fx.Graph(), set(self.region)
        copied: dict[fx.Node, fx.Node] = {}
        inputs = list(dict.fromkeys(_image(i) for n in self.region for i in n.all_input_nodes))
        images = graph.placeholder("images", type_expr=list[torch.Tensor])
        for number, node in enumerate(i for i in inputs if i not in region):
            copied[node] = graph.call_function(operator.getitem, (images, number))
            self.graph.region_inputs.append(self.number[node])

        def copy_of(node: fx.Node) -> fx.Node:
            if node not in copied:  # a size, which is cheaper to ask for again than to hand over
                copied[node] = graph.node_copy(node, copy_of)
            return copied[node]

        for node in self.region:
            copied[node] = graph.node_copy(node, copy_of)
        outputs = [n for n in self.region if any(u not in region for u in n.users)]
        graph.output([copied[n] for n in outputs])
        self.graph.region = fx.GraphModule(self.traced, graph)
        self.graph.region_peak = _peak(self.region) / (_PROBE_SIZE[0] * _PROBE_SIZE[1])
        for node in outputs:
            self._add(node, Given(), [])
            self.graph.region_outputs.append(self.number[node])


def _peak(nodes: list[fx.Node]) -> int:
    """Numbers held at the worst moment while nodes are computed one after the other."""
    held, peak = 0, 0
    left = {node: len(node.users) for node in nodes}
    for node in nodes:
        held += _numbers(node)
        peak = max(peak, held)
        for i in node.all_input_nodes:
            if i in left:
                left[i] -= 1
                held -= _numbers(i) if left[i] == 0 else 0
    return peak


def _numbers(node: fx.Node) -> int:
    meta: Any = node.meta.get("tensor_meta")
    several: Any = [meta] if hasattr(meta, "shape") or meta is None else meta
    return sum(m.shape.numel() for m in several if hasattr(m, "shape"))


def _around(traced: fx.GraphModule, region: list[fx.Node]) -> tuple[list[fx.Node], list[fx.Node]]:
    """The images that can be computed before the region, and those that need it."""
    before: list[fx.Node] = []
    after: list[fx.Node] = []
    needing = set(region)
    for node in traced.graph.nodes:
        if any(i in needing for i in node.all_input_nodes):
            needing.add(node)
        if node.op != "output" and node not in region and not is_size(node):
            (after if node in needing else before).append(node)
    return before, after


def _image(node: fx.Node) -> fx.Node:
    """The image whose size a node is; other nodes are themselves."""
    while is_size(node):
        node = node.all_input_nodes[0]
    return node


def _split(conv: nn.Conv2d, features: list[int]) -> list[nn.Conv2d]:
    """One convolution for each of several inputs, to be added; the first has the bias."""
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


def _activation(module: nn.Module, in_place: bool) -> nn.Module:
    """An activation that changes its input, where it can, or that leaves it as it is."""
    module = copy.deepcopy(module)
    if hasattr(module, "inplace"):
        module.inplace = in_place  # type: ignore[assignment]
    return module
