"""Methods that find charge: the network, classical ROIs, and the ideal network."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from roilab.data.images import PadUnit, pad_ticks
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import NetworkSpec, Plane, Rois, apply_probability, true_rois
from roilab.types import Frame, Row
from roilab.wirecell import NodeSettings


class Method(ABC):
    """A way to find charge in a plane."""

    name: ClassVar[str]
    widened: int = 0  # the charge window grows by this on both sides [ticks]

    @abstractmethod
    def find(self, plane: Plane, probability: Frame | None) -> Rois:
        """Return the ROIs of a plane, with their charge.

        Args:
            plane: its frames.
            probability: ROI probability of the network, shape (channel, slice).
        """

    @abstractmethod
    def columns(self) -> Row:
        """Return the settings as columns of the table."""


@dataclass(frozen=True)
class Gauss(Method):
    """Classical ROI finding: the charge that signal processing wrote.

    Attributes:
        tag: of that charge, without APA number.
    """

    name: ClassVar[str] = "gauss"
    tag: str

    def find(self, plane: Plane, probability: Frame | None) -> Rois:  # noqa: D102
        charge = plane.tags[self.tag]
        mask = charge != 0
        return Rois(mask.astype("float32"), mask, charge)

    def columns(self) -> Row:  # noqa: D102
        return {}


@dataclass(frozen=True)
class NodeMethod(Method):
    """A method whose ROIs go through WCT's node.

    Attributes:
        decon_charge: tag of the deconvolved charge, without APA number.
        node: settings of the node.
        threshold: of the truth mask [electrons/tick].
        pad: of the truth mask, in ``pad_unit``.
        pad_unit: ``bins`` or ``ticks``.
        widened: see ``Method``.
    """

    decon_charge: str
    node: NodeSettings
    threshold: float
    pad: int
    pad_unit: PadUnit
    widened: int = 0

    def columns(self) -> Row:  # noqa: D102
        return {
            "rebin": self.node.tick_per_slice,
            "save_negative_charge": self.node.save_negative_charge,
            "threshold": self.threshold,
            "pad": self.pad,
            "pad_unit": self.pad_unit,
            "window_widened": self.widened > 0,
        }


@dataclass(frozen=True)
class Dnn(NodeMethod):
    """ROIs of the network; the truth mask is the one that it was trained on."""

    name: ClassVar[str] = "dnn"

    def find(self, plane: Plane, probability: Frame | None) -> Rois:  # noqa: D102
        assert probability is not None
        return apply_probability(plane, probability, self.node, self.decon_charge)

    def columns(self) -> Row:  # noqa: D102
        return {**super().columns(), "mask_thresh": self.node.mask_thresh}


@dataclass(frozen=True)
class Ideal(NodeMethod):
    """ROIs of the truth mask: the best that a network of that truth mask can find."""

    name: ClassVar[str] = "ideal"

    def find(self, plane: Plane, probability: Frame | None) -> Rois:  # noqa: D102
        truth = (self.threshold, self.pad, self.pad_unit)
        return true_rois(plane, *truth, self.node, self.decon_charge)


def dnn(
    physics: PhysicsSettings,
    spec: NetworkSpec,
    mask_thresh: float | None = None,
    widen: bool = False,
) -> Dnn:
    """Return the method of a network.

    Args:
        physics: definition of the charge metrics.
        spec: input and truth mask of the network.
        mask_thresh: instead of the one in ``spec``.
        widen: let the charge window grow with the padding of the network's truth mask.
    """
    thresh = spec.mask_thresh if mask_thresh is None else mask_thresh
    node = physics.node_settings(spec.rebin, spec.input_scale, thresh)
    widened = pad_ticks(spec.pad, spec.pad_unit, spec.rebin) if widen else 0
    return Dnn(physics.decon_charge, node, spec.threshold, spec.pad, spec.pad_unit, widened)


def ideal(
    physics: PhysicsSettings,
    rebin: int,
    threshold: float,
    pad: int,
    pad_unit: PadUnit,
    widen: bool = False,
    **node: Any,
) -> Ideal:
    """Return the method of an ideal network.

    Args:
        physics: definition of the charge metrics.
        rebin: ticks per slice.
        threshold: of the truth mask [electrons/tick].
        pad: of the truth mask, in ``pad_unit``.
        pad_unit: ``bins`` or ``ticks``.
        widen: let the charge window grow with the padding.
        **node: settings of the node that differ from ``physics.node``.
    """
    # A truth mask is 0 or 1, so every mask threshold between the two gives the same.
    settings = physics.node_settings(rebin, input_scale=1.0, mask_thresh=0.5, **node)
    widened = pad_ticks(pad, pad_unit, rebin) if widen else 0
    return Ideal(physics.decon_charge, settings, threshold, pad, pad_unit, widened)
