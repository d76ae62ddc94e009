"""Batch norm put into the convolution before it."""

import copy

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(traced: fx.GraphModule) -> None:
    """Replace each convolution and the batch norm that alone reads it by one convolution.

    Args:
        traced: in evaluation mode; changed. timm's batch norms leave their activation behind.
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
            folded = fuse_conv_bn_eval(copy.deepcopy(conv), norm)
        activation = getattr(norm, "act", None)
        _put(traced, str(before.target), folded)
        modules[str(before.target)] = folded
        if isinstance(activation, nn.Module) and not isinstance(activation, nn.Identity):
            _put(traced, node.target, copy.deepcopy(activation))
            modules[node.target] = activation
        else:
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.graph.lint()
    traced.recompile()


def _put(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(root.get_submodule(parent), last, module)
