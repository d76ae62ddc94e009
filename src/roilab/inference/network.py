"""Networks from checkpoints and TorchScript files, with what they need as input."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from roilab.data.images import PadUnit
from roilab.errors import RoilabError
from roilab.inference.checkpoint import load_network
from roilab.inference.metadata import network_metadata
from roilab.inference.network_file import network_file
from roilab.inference.plane import Plane
from roilab.inference.probability import RoiProbability
from roilab.inference.probe import checked
from roilab.inference.roi_frames import RoiFrames
from roilab.inference.rois import NetworkRois, find_rois
from roilab.inference.spec_values import expected_value
from roilab.object_table import object_html, object_text
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


def open_network(path: str | None) -> NetworkFile:
    """Open a checkpoint (``.ckpt``), a TorchScript file or a folder with one of them.

    ``path`` is ``None`` for no network; ``network_file`` says which file of a folder is taken.

    Raises:
        RoilabError: (its subclasses) the file is absent or of another kind.
    """
    if path is None:
        return NetworkFile(None, None, {}, {})
    file = network_file(Path(path))
    if file.suffix == ".ckpt":
        trained = load_network(file)
        metadata = network_metadata(trained.recipe)
        return NetworkFile(file, RoiProbability(trained), metadata, trained.recipe["data"])
    module, metadata = load_torchscript(file)
    return NetworkFile(file, module, metadata, metadata.get("readout", {}))


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
    _check_values(file.path, values, given)
    return NetworkSpec(
        layers=tuple(values["layers"]),
        planes=tuple(metadata.get("planes", ())),
        **{key: values[key] for key in _PLAIN},
    )


def _check_values(path: Path | None, values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check the settings of a network, also those in metadata that others wrote.

    Raises:
        NetworkSpecError: one has no meaning.
    """
    for key, value in values.items():
        if value is not None and (expected := expected_value(key, value)):
            where = f"network_spec.{key}" if given.get(key) is not None else f"{path}: {key}"
            raise NetworkSpecError(
                f"{where} is {value!r}; expected {expected}. Set network_spec.{key} to the value "
                "of the training."
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
        output = module(image.to(device))
        return output.cpu() if isinstance(output, torch.Tensor) else output

    return probability
