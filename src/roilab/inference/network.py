"""A network to be judged, from a checkpoint or a TorchScript file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from roilab.data.images import PadUnit
from roilab.evaluate.settings import EvaluationError
from roilab.export.metadata import export_metadata
from roilab.export.probability import RoiProbability
from roilab.train.checkpoint import load_module
from roilab.wirecell.torchscript import load_torchscript


@dataclass(frozen=True)
class NetworkRecipe:
    """What a network was made for.

    Attributes:
        layers: input tags without APA number, in order.
        planes: it was trained on; empty where nobody knows.
        rebin: ticks per slice.
        input_scale: on the charge of the layers.
        mask_thresh: the network's own.
        threshold: of its truth mask [electrons/tick].
        pad: of its truth mask.
        pad_unit: ``bins`` or ``ticks``.
    """

    layers: tuple[str, ...]
    planes: tuple[str, ...]
    rebin: int
    input_scale: float
    mask_thresh: float
    threshold: float
    pad: int
    pad_unit: PadUnit


@dataclass(frozen=True)
class Network:
    """A network and what it was made for.

    Attributes:
        name: for tables and messages.
        probability: image (1, layer, channel, slice) to ROI probability (1, 1, channel, slice),
            on the CPU both.
        recipe: what it was made for.
    """

    name: str
    probability: Callable[[torch.Tensor], torch.Tensor]
    recipe: NetworkRecipe


@dataclass(frozen=True)
class NetworkFile:
    """What a file holds.

    Attributes:
        path: of the file; ``None`` where there is no network.
        module: image to ROI probability; ``None`` where there is no network.
        metadata: what it says of itself, as ``roilab.export.export_metadata`` makes it; empty
            where it says nothing.
        data: the data config it was trained with; empty where it does not hold it.
    """

    path: Path | None
    module: torch.nn.Module | None
    metadata: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The network's name, or the file's where it does not tell."""
        return "" if self.path is None else str(self.metadata.get("network", self.path.stem))


def open_network(path: str | None) -> NetworkFile:
    """A checkpoint (``.ckpt``) or TorchScript file; ``None`` for no network.

    Raises:
        RoilabError: (its subclasses) the file is absent or of another kind.
    """
    if path is None:
        return NetworkFile(None, None, {}, {})
    file = Path(path)
    if file.suffix == ".ckpt":
        trained = load_module(file)
        metadata = export_metadata(trained.recipe)
        return NetworkFile(file, RoiProbability(trained), metadata, trained.recipe["data"])
    module, metadata = load_torchscript(file)
    return NetworkFile(file, module, metadata, {})


def network_recipe(
    file: NetworkFile, given: Mapping[str, Any], data: Mapping[str, Any]
) -> NetworkRecipe:
    """What a network was made for.

    Args:
        file: the network, which says it of itself.
        given: what the user says, which goes before; ``None`` where nothing is said.
        data: a data config, for what neither says. Layers and rebin are not taken from it: no
            default could be right.

    Raises:
        EvaluationError: nobody says what the layers or the rebin are, or the network sees rows
            that are no channels.
    """
    own = file.metadata
    said: dict[str, Any] = {
        key: own.get(key) if value is None else value for key, value in given.items()
    }
    unknown = [key for key in ("layers", "rebin") if said[key] is None]
    if unknown and file.path is not None:
        raise EvaluationError(
            f"{file.path}: does not tell its {' and '.join(unknown)} (a TorchScript file without "
            "roilab's metadata); say it as it was trained: "
            f"{' '.join(_EXAMPLES[key] for key in unknown)}."
        )
    if own.get("channel_rebin", 1) != 1:
        raise EvaluationError(
            f"{file.path}: was trained with channel_rebin={own['channel_rebin']}; WCT's node "
            "averages over ticks alone, so its charge cannot be judged. Train with 1."
        )
    said = {key: data.get(key) if value is None else value for key, value in said.items()}
    return NetworkRecipe(
        layers=tuple(said["layers"]),
        planes=tuple(own.get("planes", ())),
        **{key: said[key] for key in _PLAIN},
    )


_EXAMPLES = {
    "layers": "network_spec.layers=[loose_lf,mp2_roi,mp3_roi]",
    "rebin": "network_spec.rebin=10",
}
_PLAIN = ("rebin", "input_scale", "mask_thresh", "threshold", "pad", "pad_unit")


def on_device(module: torch.nn.Module, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Image to ROI probability, both on the CPU, computed on a device (``auto``: GPU or CPU)."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    module = module.eval().to(device)

    @torch.inference_mode()
    def probability(image: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = module(image.to(device))
        return output.cpu()

    return probability
