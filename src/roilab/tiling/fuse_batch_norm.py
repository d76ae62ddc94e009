"""Fuse batch norms into the convolutions before them."""

import copy

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fuse_batch_norms(traced: fx.GraphModule) -> None:
    """Replace each pair of a convolution and its batch norm by one convolution.

    Only where no other node reads the convolution. The activation inside a batch norm of timm
    stays as a node.

    Args:
        traced: in evaluation mode; changed in place.
    """
    modules = dict(traced.named_modules())
    for node in list(traced.graph.nodes):
        if node.op != "call_module" or not isinstance(modules[node.target], nn.BatchNorm2d):
            continue
        (before,) = node.args
        if (
            not isinstance(before, fx.Node)
            or before.op != "call_module"
            or not isinstance(modules[str(before.target)], nn.Conv2d)
            or len(before.users) > 1
        ):
            continue
        conv, norm = modules[str(before.target)], modules[node.target]
        with torch.no_grad():
            fused = fuse_conv_bn_eval(copy.deepcopy(conv), norm)
        activation = getattr(norm, "act", None)
        _replace(traced, str(before.target), fused)
        modules[str(before.target)] = fused
        if isinstance(activation, nn.Module) and not isinstance(activation, nn.Identity):
            _replace(traced, node.target, copy.deepcopy(activation))
            modules[node.target] = activation
        else:
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.graph.lint()
    traced.recompile()


def _replace(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(root.get_submodule(parent), last, module)
