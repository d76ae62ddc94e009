"""The ways to find charge that are compared: the network, classical ROIs, and the ideal."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from roilab.data import pad_mask
from roilab.data.images import PadUnit
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference.network import NetworkRecipe
from roilab.inference.plane import Frame, PlaneFrames
from roilab.wirecell import NodeSettings, downsampled, roi_charge

Columns = dict[str, Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """What a method finds in one image.

    Attributes:
        charge: [electrons/tick], shape (channel, tick).
        roi_mask: boolean, shape (channel, tick).
    """

    charge: Frame
    roi_mask: Mask


class Method(ABC):
    """A way to find charge."""

    name: ClassVar[str]
    widened: int = 0  # by how much the charge window grows on both sides [ticks]

    @abstractmethod
    def find(self, frames: PlaneFrames, probability: Frame | None) -> Found:
        """Charge and ROIs of one image."""

    @abstractmethod
    def columns(self) -> Columns:
        """Its settings, for the table."""


@dataclass(frozen=True)
class Gauss(Method):
    """Classical ROI finding, as it comes from signal processing."""

    name: ClassVar[str] = "gauss"
    tag: str

    def find(self, frames: PlaneFrames, probability: Frame | None) -> Found:  # noqa: D102
        charge = frames.tags[self.tag]
        return Found(charge, charge != 0)

    def columns(self) -> Columns:  # noqa: D102
        return {}


@dataclass(frozen=True)
class Dnn(Method):
    """The network's ROIs through WCT's node.

    Attributes:
        decon_charge: tag.
        node: settings.
        recipe: what the network was made for.
        widened: see ``Method``.
    """

    name: ClassVar[str] = "dnn"
    decon_charge: str
    node: NodeSettings
    recipe: NetworkRecipe
    widened: int = 0

    def find(self, frames: PlaneFrames, probability: Frame | None) -> Found:  # noqa: D102
        assert probability is not None
        return _through_node(frames.tags[self.decon_charge], probability, self.node)

    def columns(self) -> Columns:  # noqa: D102
        return {
            "rebin": self.node.tick_per_slice,
            "mask_thresh": self.node.mask_thresh,
            "save_negative_charge": self.node.save_negative_charge,
            "threshold": self.recipe.threshold,
            "pad": self.recipe.pad,
            "pad_unit": self.recipe.pad_unit,
            "window_widened": self.widened > 0,
        }


@dataclass(frozen=True)
class Ideal(Method):
    """The truth mask itself through WCT's node: the best a network of that recipe can do."""

    name: ClassVar[str] = "ideal"
    decon_charge: str
    node: NodeSettings
    threshold: float
    pad: int
    pad_unit: PadUnit
    widened: int = 0

    def find(self, frames: PlaneFrames, probability: Frame | None) -> Found:  # noqa: D102
        rebin = self.node.tick_per_slice
        above: Mask = downsampled(frames.truth, self.node) > np.float32(self.threshold)
        mask = pad_mask(above, self.pad, self.pad_unit, rebin)
        return _through_node(frames.tags[self.decon_charge], mask.astype(np.float32), self.node)

    def columns(self) -> Columns:  # noqa: D102
        return {
            "rebin": self.node.tick_per_slice,
            "save_negative_charge": self.node.save_negative_charge,
            "threshold": self.threshold,
            "pad": self.pad,
            "pad_unit": self.pad_unit,
            "window_widened": self.widened > 0,
        }


def dnn(
    physics: PhysicsSettings,
    recipe: NetworkRecipe,
    mask_thresh: float | None = None,
    widen: bool = False,
) -> Dnn:
    """The method of a network.

    Args:
        physics: how charge is judged.
        recipe: what the network was made for.
        mask_thresh: another than the recipe's.
        widen: let the charge window grow with the padding the network was trained with.
    """
    chosen = recipe.mask_thresh if mask_thresh is None else mask_thresh
    node = physics.node_settings(recipe.rebin, recipe.input_scale, chosen)
    grown = widened_by(recipe.rebin, recipe.pad, recipe.pad_unit) if widen else 0
    return Dnn(physics.decon_charge, node, recipe, grown)


def ideal(
    physics: PhysicsSettings,
    rebin: int,
    threshold: float,
    pad: int,
    pad_unit: PadUnit,
    widen: bool = False,
    **node: Any,
) -> Ideal:
    """The ideal of a recipe.

    Args:
        physics: how charge is judged.
        rebin: ticks per slice.
        threshold: of the truth mask [electrons/tick].
        pad: of the truth mask, in ``pad_unit``.
        pad_unit: ``bins`` or ``ticks``.
        widen: let the charge window grow with the padding.
        **node: settings of the node that differ from ``physics.node``.
    """
    # A mask is 0 or 1, so any threshold on it between the two gives the mask itself.
    settings = physics.node_settings(rebin, input_scale=1.0, mask_thresh=0.5, **node)
    grown = widened_by(rebin, pad, pad_unit) if widen else 0
    return Ideal(physics.decon_charge, settings, threshold, pad, pad_unit, grown)


def widened_by(rebin: int, pad: int, pad_unit: PadUnit) -> int:
    """How many ticks a truth mask grows by on both sides."""
    return pad * (rebin if pad_unit == "bins" else 1)


def _through_node(decon_charge: Frame, probability: Frame, node: NodeSettings) -> Found:
    mask = np.repeat(probability > np.float32(node.mask_thresh), node.tick_per_slice, axis=1)
    charge = roi_charge(decon_charge, probability, node)
    return Found(charge, mask[:, : decon_charge.shape[1]])
