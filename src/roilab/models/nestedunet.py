"""NestedUNet (UNet++): dense skips; every size is decoded from every greater depth."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import nn

from roilab.models.blocks import DoubleConv, UpStage
from roilab.models.encoder import DoubleConvEncoder
from roilab.models.network import RoiNetwork


class NestedColumn(nn.Module):
    """The nodes x(0, j), x(1, j), ... of UNet++; x(i, j) has the size 1/2^i.

    x(i, j) is a double convolution of x(i, 0), ..., x(i, j - 1) and of x(i + 1, j - 1) upsampled;
    x(i, 0) are the encoder's features. ``step`` is j, from 1; ``widths`` are the numbers of
    features at full size, 1/2, 1/4, ..., in the encoder and in all nodes.
    """

    def __init__(self, widths: Sequence[int], step: int, align_corners: bool) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(
            UpStage(DoubleConv(widths[i] * step + widths[i + 1], widths[i]), align_corners)
            for i in range(len(widths) - step)
        )

    def forward(self, rows: list[list[torch.Tensor]]) -> list[list[torch.Tensor]]:
        """Append the nodes of this column to the rows x(i, 0), ..., x(i, j - 1) of every size."""
        return [rows[i] + [node(rows[i + 1][-1], rows[i])] for i, node in enumerate(self.nodes)]


class NestedDecoder(nn.Module):
    """All columns of nodes, each one node shorter than the column before."""

    def __init__(self, widths: Sequence[int], align_corners: bool) -> None:
        super().__init__()
        self.columns = nn.ModuleList(
            NestedColumn(widths, step, align_corners) for step in range(1, len(widths))
        )

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Decode features (shallow to deep) to one image of the shallowest one's size."""
        rows = [[feature] for feature in features]
        for column in self.columns:
            rows = column(rows)
        return rows[0][-1]


def _reference_names(depths: int) -> dict[str, str]:
    names = {"final.": "head."}
    for i in range(depths):
        for j in range(depths - i):
            block = f"encoder.stages.{i}" if j == 0 else f"decoder.columns.{j - 1}.nodes.{i}.conv"
            for layer, number in (("conv1", 0), ("bn1", 1), ("conv2", 3), ("bn2", 4)):
                names[f"conv{i}_{j}.{layer}."] = f"{block}.{number}."
    return names


class NestedUNet(RoiNetwork):
    """UNet++ (arXiv:1807.10165) without deep supervision, padded inside.

    Loads weights of the reference code (pytorch-nested-unet, Pytorch-UNet).
    ``conf/model/nestedunet.yaml`` documents the arguments.
    """

    reference_names: ClassVar[Mapping[str, str]] = _reference_names(depths=5)

    def __init__(self, n_layers: int, widths: Sequence[int], align_corners: bool) -> None:
        super().__init__(
            n_layers,
            encoder=DoubleConvEncoder(n_layers, widths),
            decoder=NestedDecoder(widths, align_corners),
            head=nn.Conv2d(widths[0], 1, kernel_size=1),
        )
