"""Trace a network with PyTorch and find the part that needs full images."""

import copy
import operator

import torch
from torch import fx, nn

from roilab.models import RoiNetwork
from roilab.models.blocks import pad_to
from roilab.tiling.fuse_batch_norm import fuse_batch_norms

ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.Hardswish, nn.Hardsigmoid, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.Sigmoid,
)  # fmt: skip
IDENTITIES = (nn.Identity, nn.Dropout, nn.Dropout2d)
_ADDITIONS = (operator.add, operator.iadd, torch.add)


class _Body(nn.Module):
    """Encoder, decoder and head of a ``RoiNetwork``, without its padding and cropping."""

    def __init__(self, net: RoiNetwork) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = net.encoder, net.decoder, net.head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.decoder(self.encoder(x)))


class _Tracer(fx.Tracer):
    """Traces into all modules except leaves, which become one node each."""

    def __init__(self, leaves: tuple[str, ...]) -> None:
        super().__init__(autowrap_functions=(pad_to,))
        self.leaves = leaves

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if module_qualified_name in self.leaves or isinstance(m, nn.BatchNorm2d):
            return True
        return super().is_leaf_module(m, module_qualified_name)


def pads_outside(net: nn.Module) -> bool:
    """Return whether padding and cropping of a network are those of ``RoiNetwork.forward``."""
    return isinstance(net, RoiNetwork) and type(net).forward is RoiNetwork.forward


def trace(net: nn.Module) -> fx.GraphModule:
    """Return a network as a graph with fused batch norms.

    Of a ``RoiNetwork`` it is encoder, decoder and head, without padding and cropping; an encoder
    whose code branches on image sizes becomes one node.

    Raises:
        Exception: (of many types) the code of another network branches on image sizes or values.
    """
    copied = copy.deepcopy(net).eval()
    if isinstance(copied, RoiNetwork) and pads_outside(net):
        body: nn.Module = _Body(copied).eval()
        try:
            graph = _Tracer(()).trace(body)
        except Exception:  # networks of timm raise many types for a symbolic size
            graph = _Tracer(("encoder",)).trace(body)
    else:
        body, graph = copied, _Tracer(()).trace(copied)
    traced = fx.GraphModule(body, graph)
    traced.graph.eliminate_dead_code()
    fuse_batch_norms(traced)
    _remove_identities(traced)
    return traced


def _remove_identities(traced: fx.GraphModule) -> None:
    for node in list(traced.graph.nodes):
        if node.op == "call_module" and isinstance(traced.get_submodule(node.target), IDENTITIES):
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
    traced.recompile()


def find_region(traced: fx.GraphModule) -> list[fx.Node]:
    """Return the nodes that need full images, and all nodes between the first and last of them."""
    nodes = [n for n in traced.graph.nodes if n.op != "output"]
    full = {n for n in nodes if n.op != "placeholder" and not _on_rows(n, traced)}
    after: set[fx.Node] = set()
    for node in nodes:
        if node in full or any(i in after for i in node.all_input_nodes):
            after.add(node)
    before: set[fx.Node] = set()
    for node in reversed(nodes):
        if node in full or any(u in before for u in node.users):
            before.add(node)
    return [n for n in nodes if n in after and n in before]


def _on_rows(node: fx.Node, traced: fx.GraphModule) -> bool:
    if node.op == "call_module":
        return _is_row_operation(traced.get_submodule(str(node.target)))
    if node.op != "call_function":
        return False
    if is_size(node):
        return all(u.target is pad_to or (is_size(u) and _on_rows(u, traced)) for u in node.users)
    if node.target is torch.cat:
        dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
        return bool(dim == 1)
    if node.target in _ADDITIONS:
        return all(isinstance(a, fx.Node) for a in node.args) and not node.kwargs
    return node.target is pad_to


def is_size(node: fx.Node) -> bool:
    """Return whether a node is ``x.shape`` or an element of it."""
    if node.op != "call_function":
        return False
    if node.target is getattr:
        return bool(node.args[1] == "shape")
    (first, *_) = node.args or (None,)
    return node.target is operator.getitem and isinstance(first, fx.Node) and is_size(first)


def _is_row_operation(module: nn.Module) -> bool:
    if type(module) is nn.Conv2d:
        pairs = (module.stride, module.dilation, module.padding, module.kernel_size)
        square = all(not isinstance(p, str) and p[0] == p[1] for p in pairs)
        return square and module.padding_mode == "zeros"
    if type(module) is nn.MaxPool2d:
        numbers = (module.kernel_size, module.stride, module.padding)
        integers = all(isinstance(n, int) for n in numbers)
        return integers and module.dilation == 1 and not module.ceil_mode
    if type(module) is nn.Upsample:
        scale = module.scale_factor
        return module.mode == "bilinear" and isinstance(scale, float) and scale == int(scale)
    if type(module) is nn.PixelShuffle:
        return True
    return type(module) in (*ACTIVATIONS, *IDENTITIES) or isinstance(module, nn.BatchNorm2d)
