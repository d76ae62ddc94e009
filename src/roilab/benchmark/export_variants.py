"""The TorchScript files that are compared: the plain trace and roilab's export."""

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from roilab.benchmark.grid import BF16
from roilab.export.settings import ExportSettings
from roilab.export.torchscript import export_torchscript
from roilab.inference import RoiProbability, TrainedNetwork
from roilab.wirecell.torchscript import deprecation_silenced

_TRACED_SIZE = (128, 192)  # channels and slices


class Form(ABC):
    """A way to make a TorchScript file of a network."""

    @abstractmethod
    def write(self, module: TrainedNetwork, path: Path, precision: str) -> None:
        """Write the file.

        Args:
            module: on the CPU, its recipe that of the image to come; left as it is.
            path: of the file.
            precision: ``float32`` or ``bf16``.
        """


class PlainTrace(Form):
    """Network and sigmoid traced, nothing folded: how networks have been given to the node."""

    def write(self, module: TrainedNetwork, path: Path, precision: str) -> None:  # noqa: D102
        module = copy.deepcopy(module)
        if precision == BF16:
            module.net = _InBf16(module.net)
        with deprecation_silenced():
            torch.jit.save(plain_trace(module), str(path))


@dataclass(frozen=True)
class Export(Form):
    """What ``python -m roilab.export`` writes.

    Attributes:
        settings: of the export; the precision is the cell's.
    """

    settings: ExportSettings

    def write(self, module: TrainedNetwork, path: Path, precision: str) -> None:  # noqa: D102
        settings = replace(self.settings, precision=precision)  # type: ignore[arg-type]
        export_torchscript(copy.deepcopy(module), path, settings)


@torch.no_grad()
def plain_trace(network: TrainedNetwork) -> torch.jit.ScriptModule:
    """Trace network and sigmoid by ``torch.jit.trace``: the reference for roilab's export.

    Batch norms stay, no memory is saved, tensors keep the layout (batch, layer, channel, slice).
    """
    probability = RoiProbability(network.eval()).to(memory_format=torch.contiguous_format)
    image = torch.zeros(1, len(network.recipe["data"]["layers"]), *_TRACED_SIZE)
    with deprecation_silenced():
        traced: torch.jit.ScriptModule = torch.jit.trace(probability, image)  # type: ignore[no-untyped-call]
    return traced


class _InBf16(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net.bfloat16()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(image.bfloat16())
        return logits
