"""Fuse batch norms into the convolutions before them."""

import copy

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fuse_batch_norms(traced: fx.GraphModule) -> None:
    """Replace each pair of a convolution and its batch norm by one convolution.

    Only where no other node reads the convolution. The activation inside a batch norm of timm
    stays as a node. The graph, in evaluation mode, is changed in place.
    """
    for node in list(traced.graph.nodes):
        norm = _module(traced, node)
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        (before,) = node.args
        conv = _module(traced, before)
        if not isinstance(conv, nn.Conv2d) or len(before.users) > 1:
            continue
        with torch.no_grad():
            traced.set_submodule(before.target, fuse_conv_bn_eval(copy.deepcopy(conv), norm))
        activation = getattr(norm, "act", None)
        if isinstance(activation, nn.Module) and not isinstance(activation, nn.Identity):
            traced.set_submodule(node.target, copy.deepcopy(activation))
        else:
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.graph.lint()
    traced.recompile()


def _module(traced: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None
