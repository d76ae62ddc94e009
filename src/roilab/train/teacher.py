"""Distillation: a network learns the ROI probability of another one beside the truth mask.

G. Hinton, O. Vinyals, J. Dean, arXiv:1503.02531. The loss of mixed targets is the mixture of the
losses for cross entropy, so every loss of ``roilab.train.losses`` can be used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from roilab.errors import RoilabError
from roilab.inference import open_network


class TeacherError(RoilabError):
    """A network cannot teach another one: its input is not the same."""


class Teacher:
    """Mixes the ROI probability of a network into the truth mask.

    It is no ``nn.Module``, so that its weights are in no checkpoint of the student.

    Args:
        module: maps an image (batch, layer, channel, slice) to the ROI probability of its pixels.
        share: of the probability in the target, from 0 to 1; the truth mask has the rest.
    """

    def __init__(self, module: torch.nn.Module, share: float) -> None:
        self._module, self._share = module.eval(), share

    @torch.no_grad()
    def target(self, image: torch.Tensor, truth_mask: torch.Tensor) -> torch.Tensor:
        """Return what the student learns, shape (batch, 1, channel, slice), from 0 to 1.

        Args:
            image: layers as the student gets them, (batch, layer, channel, slice).
            truth_mask: 0 or 1, (batch, 1, channel, slice).
        """
        self._module.to(image.device)
        return torch.lerp(truth_mask, self._module(image).to(truth_mask.dtype), self._share)


def open_teacher(distill: Mapping[str, Any], data: Mapping[str, Any]) -> Teacher | None:
    """Open the teacher of the settings ``distill``; ``None`` where there is none.

    Args:
        distill: ``teacher``, the path of a network or ``None``, and ``share``.
        data: the data config of the student.

    Raises:
        TeacherError: the teacher was trained on other layers, another rebin or another scale.
        RoilabError: (other subclasses) its file cannot be opened.
    """
    if distill["teacher"] is None:
        return None
    path = Path(distill["teacher"])
    file = open_network(str(path))
    assert file.module is not None
    # An image is not scaled where every layer is normalised by its mean and width.
    scale = data["input_scale"] if data["normalization"] == "scalar" else 1.0
    expected = {key: data[key] for key in ("layers", "rebin", "channel_rebin")}
    differ = [
        f"{key}={file.metadata[key]} against {value}"
        for key, value in {**expected, "input_scale": scale}.items()
        if key in file.metadata and file.metadata[key] != value
    ]
    if differ:
        raise TeacherError(
            f"{path}: cannot be the teacher, since its input differs from that of the data config: "
            f"{'; '.join(differ)}. Train with its settings, or take another teacher."
        )
    return Teacher(file.module, distill["share"])
