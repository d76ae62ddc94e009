"""A network as a graph of operations on rows, with what cannot be one left in a region."""

import copy
import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from roilab.bands.folding import fold_batch_norms
from roilab.bands.operations import (
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
from roilab.models import RoiNetwork
from roilab.models.blocks import pad_to

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.Sigmoid,
)  # fmt: skip
NOTHING = (nn.Identity, nn.Dropout, nn.Dropout2d)
_PROBE_SIZE = (96, 160)  # of the image that shapes are seen from; any would do
_ADDITIONS = (operator.add, operator.iadd, torch.add)


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
        """Of its rows; see ``roilab.bands.geometry``."""
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


class _Whole(nn.Module):
    """Encoder, decoder and head, without what ``RoiNetwork`` does around them."""

    def __init__(self, net: RoiNetwork) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = net.encoder, net.decoder, net.head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.decoder(self.encoder(x)))


class _Tracer(fx.Tracer):
    """Goes into every module but those that one operation stands for."""

    def __init__(self, leaves: tuple[str, ...]) -> None:
        super().__init__(autowrap_functions=(pad_to,))
        self.leaves = leaves

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if module_qualified_name in self.leaves or isinstance(m, nn.BatchNorm2d):
            return True
        return super().is_leaf_module(m, module_qualified_name)


def trace(net: RoiNetwork) -> fx.GraphModule:
    """Encoder, decoder and head as a graph with batch norms folded.

    An encoder that looks at its sizes while it runs stays one piece.
    """
    whole = _Whole(copy.deepcopy(net)).eval()
    try:
        graph = _Tracer(()).trace(whole)
    except Exception:  # whatever a network of timm raises when a size is no number
        graph = _Tracer(("encoder",)).trace(whole)
    traced = fx.GraphModule(whole, graph)
    fold_batch_norms(traced)
    _drop_nothings(traced)
    return traced


def _drop_nothings(traced: fx.GraphModule) -> None:
    for node in list(traced.graph.nodes):
        if node.op == "call_module" and isinstance(traced.get_submodule(node.target), NOTHING):
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    traced.recompile()


def lower(net: RoiNetwork, before: nn.Module) -> Graph:
    """A network as a graph of operations on rows, from the image as it comes to logits.

    Args:
        net: in evaluation mode; left as it is.
        before: what each pixel goes through first.
    """
    traced = trace(net)
    return _Lowering(traced, _find_region(traced), net, before).graph


def _find_region(traced: fx.GraphModule) -> list[fx.Node]:
    """Every node between the first and the last that is no operation on rows."""
    nodes = [n for n in traced.graph.nodes if n.op != "output"]
    other = {n for n in nodes if n.op != "placeholder" and not _on_rows(n, traced)}
    after: set[fx.Node] = set()
    for node in nodes:
        if node in other or any(i in after for i in node.all_input_nodes):
            after.add(node)
    before: set[fx.Node] = set()
    for node in reversed(nodes):
        if node in other or any(u in before for u in node.users):
            before.add(node)
    return [n for n in nodes if n in after and n in before]


def _on_rows(node: fx.Node, traced: fx.GraphModule) -> bool:
    if node.op == "call_module":
        return _is_known(traced.get_submodule(str(node.target)))
    if node.op != "call_function":
        return False
    if _is_size(node):
        return all(u.target is pad_to or (_is_size(u) and _on_rows(u, traced)) for u in node.users)
    if node.target is torch.cat:
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        return bool(dim == 1)
    if node.target in _ADDITIONS:
        return all(isinstance(a, fx.Node) for a in node.args) and not node.kwargs
    return node.target is pad_to


def _is_size(node: fx.Node) -> bool:
    """``x.shape`` or an element of it."""
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return bool(node.args[1] == "shape")
    (first, *_) = node.args or (None,)
    return node.target is operator.getitem and isinstance(first, fx.Node) and _is_size(first)


def _is_known(module: nn.Module) -> bool:
    if type(module) is nn.Conv2d:
        pairs = (module.stride, module.dilation, module.padding, module.kernel_size)
        alike = all(not isinstance(p, str) and p[0] == p[1] for p in pairs)
        return alike and module.padding_mode == "zeros"
    if type(module) is nn.MaxPool2d:
        plain = all(isinstance(n, int) for n in (module.kernel_size, module.stride, module.padding))
        return plain and module.dilation == 1 and not module.ceil_mode
    if type(module) is nn.Upsample:
        scale = module.scale_factor
        return module.mode == "bilinear" and isinstance(scale, float) and scale == int(scale)
    return type(module) in (*ACTIVATIONS, *NOTHING) or isinstance(module, nn.BatchNorm2d)


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
        if node.op != "output" and node not in region and not _is_size(node):
            (after if node in needing else before).append(node)
    return before, after


def _image(node: fx.Node) -> fx.Node:
    """The image whose size a node is; other nodes are themselves."""
    while _is_size(node):
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
