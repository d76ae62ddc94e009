"""Variants of a network's TorchScript file: a plain trace and roilab's export."""

import copy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from roilab.benchmark.grid import BF16
from roilab.export.network_files import export_network
from roilab.export.settings import ExportSettings
from roilab.inference import RoiProbability, TrainedNetwork
from roilab.wirecell.torchscript import ignore_deprecation, save_torchscript

_EXAMPLE_SIZE = (128, 192)  # channels and slices


class PlainTrace:
    """A trace of network and sigmoid, without optimisation: the usual file for the node."""

    def write(self, network: TrainedNetwork, path: Path, precision: str) -> None:
        """Write a file in float32 or bf16; the network, on the CPU, is not changed."""
        network = copy.deepcopy(network)
        if precision == BF16:
            network.net = _Bf16(network.net)
        save_torchscript(trace_probability(network), path)


@dataclass(frozen=True)
class RoilabExport:
    """The file that ``python -m roilab.export`` writes."""

    settings: ExportSettings  # its precision is replaced by that of the cell

    def write(self, network: TrainedNetwork, path: Path, precision: str) -> None:
        """Write a file in float32 or bf16; the network, on the CPU, is not changed.

        The recipe of the network has the rebin of the images.
        """
        settings = replace(self.settings, precision=precision)  # type: ignore[arg-type]
        export_network(copy.deepcopy(network), path, settings)


ExportVariant = PlainTrace | RoilabExport


@torch.no_grad()
def trace_probability(network: TrainedNetwork) -> torch.jit.ScriptModule:
    """Trace network and sigmoid by ``torch.jit.trace``: the reference for roilab's export.

    Batch norms are not fused, memory is not bounded, and tensors have the memory layout (batch,
    layer, channel, slice).
    """
    probability = RoiProbability(network.eval()).to(memory_format=torch.contiguous_format)
    image = torch.zeros(1, len(network.recipe["data"]["layers"]), *_EXAMPLE_SIZE)
    with ignore_deprecation():
        traced: torch.jit.ScriptModule = torch.jit.trace(probability, image)  # type: ignore[no-untyped-call]
    return traced


class _Bf16(nn.Module):
    """A network with weights and features in bf16."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net.bfloat16()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(image.bfloat16())
        return logits
