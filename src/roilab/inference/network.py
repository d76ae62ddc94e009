"""Networks from checkpoints and TorchScript files, with what they need as input."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from roilab.data.images import PadUnit
from roilab.errors import RoilabError
from roilab.inference.checkpoint import load_network
from roilab.inference.metadata import check_metadata, network_metadata
from roilab.inference.probability import RoiProbability
from roilab.wirecell import NodeSettings
from roilab.wirecell.torchscript import load_torchscript

Probability = Callable[[torch.Tensor], torch.Tensor]
WCT_MASK_THRESH = 0.5  # the node's default, for a file without metadata

_PLAIN = ("rebin", "input_scale", "mask_thresh", "threshold", "pad", "pad_unit")
_EXAMPLES = {
    "layers": "network_spec.layers=[loose_lf,mp2_roi,mp3_roi]",
    "rebin": "network_spec.rebin=10",
}


class NetworkSpecError(RoilabError):
    """The input that a network needs is not known, or the node cannot give it."""


@dataclass(frozen=True, kw_only=True)
class NodeDefaults:
    """Settings of WCT's node that a network does not fix.

    Attributes:
        decon_charge: tag of the deconvolved charge, without APA number.
        node: the settings by name.
    """

    decon_charge: str
    node: Mapping[str, Any]

    def node_settings(
        self, rebin: int, input_scale: float, mask_thresh: float, **changed: Any
    ) -> NodeSettings:
        """Return all settings of the node for a network."""
        fixed = {"tick_per_slice": rebin, "input_scale": input_scale, "mask_thresh": mask_thresh}
        return NodeSettings(**{**self.node, **fixed, **changed})


@dataclass(frozen=True)
class NetworkSpec:
    """Input and truth mask that a network was trained for.

    Attributes:
        layers: input tags without APA number, in order.
        planes: planes of the training; empty where they are not known.
        rebin: ticks per slice.
        input_scale: factor on the charge of the layers.
        mask_thresh: of the network.
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
    """A network in WCT's node.

    Attributes:
        name: for tables and messages.
        probability: image (1, layer, channel, slice) to ROI probability (1, 1, channel, slice),
            both on the CPU.
        spec: its input and truth mask.
        node: settings of the node.
        decon_charge: tag of the charge that the node keeps inside ROIs, without APA number.
    """

    name: str
    probability: Probability
    spec: NetworkSpec
    node: NodeSettings
    decon_charge: str

    @classmethod
    def in_node(
        cls, name: str, probability: Probability, spec: NetworkSpec, defaults: NodeDefaults
    ) -> "Network":
        """Return a network in a node with the network's rebin, scale and mask threshold."""
        node = defaults.node_settings(spec.rebin, spec.input_scale, spec.mask_thresh)
        return cls(name, probability, spec, node, defaults.decon_charge)

    def with_mask_thresh(self, mask_thresh: float) -> "Network":
        """Return the same network at another mask threshold."""
        return replace(
            self,
            spec=replace(self.spec, mask_thresh=mask_thresh),
            node=replace(self.node, mask_thresh=mask_thresh),
        )


@dataclass(frozen=True)
class NetworkFile:
    """Contents of a network's file.

    Attributes:
        path: of the file; ``None`` where there is no network.
        module: image to ROI probability; ``None`` where there is no network.
        metadata: as ``network_metadata`` makes it; empty where the file has none.
        data: data config of its training; empty where the file does not hold it.
    """

    path: Path | None
    module: torch.nn.Module | None
    metadata: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the network, or of the file where it has no metadata."""
        return "" if self.path is None else str(self.metadata.get("network", self.path.stem))

    def network(self, spec: NetworkSpec, defaults: NodeDefaults, device: str) -> Network:
        """Return the network on a device, in a node.

        Args:
            spec: its input, see ``network_spec``.
            defaults: settings of the node.
            device: ``cpu``, ``cuda`` or ``auto``.
        """
        assert self.module is not None
        return Network.in_node(self.name, on_device(self.module, device), spec, defaults)


def open_network(path: str | None, trust: Collection[str] = ()) -> NetworkFile:
    """Open a checkpoint (``.ckpt``) or TorchScript file; ``None`` for no network.

    A checkpoint is data. TorchScript is code, which runs when the network does: open only files of
    known origin.

    Args:
        path: of the file.
        trust: import paths of networks of other packages that a checkpoint may name.

    Raises:
        RoilabError: (its subclasses) the file is absent, damaged or of another kind, or names a
            class that is not trusted.
    """
    if path is None:
        return NetworkFile(None, None, {}, {})
    file = Path(path)
    if file.suffix == ".ckpt":
        trained = load_network(file, trust)
        metadata = network_metadata(trained.recipe)
        return NetworkFile(file, RoiProbability(trained), metadata, trained.recipe["data"])
    module, metadata = load_torchscript(file)
    return NetworkFile(file, module, check_metadata(metadata, file), {})


def network_spec(
    file: NetworkFile, given: Mapping[str, Any], data: Mapping[str, Any]
) -> NetworkSpec:
    """Return the input and truth mask of a network.

    Args:
        file: the network; its metadata is used where ``given`` is ``None``.
        given: settings of the user by name (``conf/network_spec``), ``None`` where not set.
        data: a data config for what neither has. Layers and rebin are never taken from it.

    Raises:
        NetworkSpecError: layers or rebin are not known, or the network needs channels rebinned.
    """
    metadata = {**file.metadata, "threshold": file.metadata.get("truth_threshold")}
    values: dict[str, Any] = {
        key: metadata.get(key) if value is None else value for key, value in given.items()
    }
    unknown = [key for key in ("layers", "rebin") if values[key] is None]
    if unknown and file.path is not None:
        raise NetworkSpecError(
            f"{file.path}: has no {' and no '.join(unknown)} (a TorchScript file without roilab's "
            "metadata); give them as the network was trained: "
            f"{' '.join(_EXAMPLES[key] for key in unknown)}."
        )
    if metadata.get("channel_rebin", 1) != 1:
        raise NetworkSpecError(
            f"{file.path}: was trained with channel_rebin={metadata['channel_rebin']}; WCT's node "
            "averages over ticks only, so it cannot run this network. Train with 1."
        )
    values = {key: data.get(key) if value is None else value for key, value in values.items()}
    if values["mask_thresh"] is None:
        values["mask_thresh"] = WCT_MASK_THRESH
    return NetworkSpec(
        layers=tuple(values["layers"]),
        planes=tuple(metadata.get("planes", ())),
        **{key: values[key] for key in _PLAIN},
    )


def on_device(module: torch.nn.Module, device: str) -> Probability:
    """Return a function from image to ROI probability, both on the CPU.

    Args:
        module: image to ROI probability.
        device: where to compute; ``auto`` for a GPU where there is one.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    module = module.eval().to(device)

    @torch.inference_mode()
    def probability(image: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = module(image.to(device))
        return output.cpu()

    return probability
