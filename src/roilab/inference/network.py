"""Networks from checkpoints and TorchScript files, with what they need as input."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from roilab.inference.checkpoint import load_network
from roilab.inference.metadata import check_metadata, network_metadata
from roilab.inference.network_file import network_file
from roilab.inference.probability import RoiProbability
from roilab.inference.probe import checked
from roilab.inference.roi_frames import RoiFrames
from roilab.inference.rois import NetworkRois, find_rois
from roilab.inference.spec import NetworkSpec
from roilab.inference.stored_network import SUFFIX
from roilab.inference.trusted import check_trusted
from roilab.object_table import object_html, object_text
from roilab.planes import Plane
from roilab.wirecell import NodeSettings
from roilab.wirecell.torchscript import load_torchscript

Probability = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class NodeDefaults:
    """Settings of WCT's node that a network does not fix.

    Attributes:
        decon_charge: tag of the deconvolved charge, without APA number.
        node: the settings by name.
        roi_frames: tags and rows of found ROIs in frame files.
    """

    decon_charge: str
    node: Mapping[str, Any]
    roi_frames: RoiFrames

    def node_settings(
        self, rebin: int, input_scale: float, mask_thresh: float, **changed: Any
    ) -> NodeSettings:
        """Return all settings of the node for a network."""
        fixed = {"tick_per_slice": rebin, "input_scale": input_scale, "mask_thresh": mask_thresh}
        return NodeSettings(**{**self.node, **fixed, **changed})


@dataclass(frozen=True)
class Network:
    """A network in WCT's node; ``network(plane)`` finds the ROIs of a plane.

    Attributes:
        name: for tables and messages.
        probability: image (1, layer, channel, slice) to ROI probability (1, 1, channel, slice),
            both on the CPU.
        spec: its input and truth mask.
        node: settings of the node.
        decon_charge: tag of the charge that the node keeps inside ROIs, without APA number.
        roi_frames: tags and rows of found ROIs in frame files.
        parameters: number of parameters; ``None`` where it is not known.
    """

    name: str
    probability: Probability
    spec: NetworkSpec
    node: NodeSettings
    decon_charge: str
    roi_frames: RoiFrames
    parameters: int | None = None

    @classmethod
    def in_node(
        cls, name: str, probability: Probability, spec: NetworkSpec, defaults: NodeDefaults
    ) -> "Network":
        """Return a network in a node with the network's rebin, scale and mask threshold."""
        node = defaults.node_settings(spec.rebin, spec.input_scale, spec.mask_thresh)
        return cls(name, probability, spec, node, defaults.decon_charge, defaults.roi_frames)

    def __call__(self, plane: Plane) -> NetworkRois:
        """Find the ROIs of a plane and their charge, as WCT's node does.

        Args:
            plane: with the layers of the network; with its deconvolved charge, for the charge.

        Returns:
            ``probability`` (channel, slice), ``mask`` and ``charge`` [electrons/tick], both
            (channel, tick).

        Raises:
            PlaneReaderError: the plane lacks a layer of the network.
        """
        return find_rois(self, plane)

    def __repr__(self) -> str:
        return object_text(self, self._facts())

    def _repr_html_(self) -> str:
        return object_html(self, self._facts())

    def _facts(self) -> dict[str, object]:
        spec, count = self.spec, self.parameters
        return {
            "network": self.name,
            "layers": " ".join(spec.layers),
            "planes": " ".join(spec.planes) or "not known",
            "rebin": f"{spec.rebin} ticks per slice",
            "parameters": "not known" if count is None else f"{count:,}",
            "mask_thresh": f"{spec.mask_thresh:g}",
        }

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
        data: data config of its training, or its part for ``Readout``; empty where the file does
            not hold it.
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

        Raises:
            NetworkOutputError: see ``probability``.
        """
        assert self.module is not None
        network = Network.in_node(self.name, self.probability(spec, device), spec, defaults)
        return replace(network, parameters=sum(p.numel() for p in self.module.parameters()))

    def probability(self, spec: NetworkSpec, device: str) -> Probability:
        """Return the function of ``on_device``; that of a TorchScript file is tried and checked.

        Raises:
            NetworkOutputError: it does not map the layers to a ROI probability.
        """
        assert self.module is not None
        probability = on_device(self.module, device)
        if isinstance(self.module, RoiProbability):
            return probability
        return checked(probability, str(self.path), spec.layers)


def open_network(path: str | Path | None, trust: Collection[str] = ()) -> NetworkFile:
    """Open a checkpoint (``.ckpt``), a TorchScript file, a folder with one, or a reference network.

    ``path`` is ``None`` for no network; ``network_file`` says which file is taken.

    A checkpoint is data. TorchScript is code, which runs when the network does: open only files of
    known origin.

    Args:
        path: of the file, or the name of a reference network.
        trust: import paths of networks of other packages that a checkpoint may name.

    Raises:
        RoilabError: (its subclasses) the file is absent, damaged or of another kind, or names a
            class that is not trusted.
    """
    if path is None:
        return NetworkFile(None, None, {}, {})
    file = network_file(path)
    if file.suffix in (".ckpt", SUFFIX):
        trained = load_network(file, trust)
        # The class that read the frames of the training; commands open frames with it.
        check_trusted(trained.recipe["data"].get("reader"), (), file, trust)
        metadata = network_metadata(trained.recipe, trained.working_point)
        return NetworkFile(file, RoiProbability(trained), metadata, trained.recipe["data"])
    module, metadata = load_torchscript(file)
    metadata = check_metadata(metadata, file)
    readout = metadata.get("readout")
    return NetworkFile(file, module, metadata, readout if isinstance(readout, dict) else {})


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
        output = module(image.to(device))
        return output.cpu() if isinstance(output, torch.Tensor) else output

    return probability
