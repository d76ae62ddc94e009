"""What networks find in a plane, and what they should find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.data import pad_mask
from roilab.display.event import Frame, PlaneEvent
from roilab.display.settings import DisplayError, Range
from roilab.evaluate.methods import dnn
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference.network import Network, NetworkFile, NetworkRecipe, network_recipe, on_device
from roilab.wirecell import downsampled, forward_in_chunks, model_input, roi_charge

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """What one network finds at one threshold, tick by tick, each (channel, tick).

    Attributes:
        name: of network and threshold, for titles.
        network: its name alone.
        mask_thresh: on the probability.
        probability: of a ROI.
        roi_mask: where it exceeds the threshold.
        charge: [electrons/tick] that WCT's node gives; ``None`` without deconvolved charge.
    """

    name: str
    network: str
    mask_thresh: float
    probability: Frame
    roi_mask: Mask
    charge: Frame | None


def make_networks(
    files: Sequence[NetworkFile],
    names: Sequence[str],
    given: Mapping[str, Any],
    data: Mapping[str, Any],
    device: str,
) -> list[Network]:
    """Networks that say what they were made for, each with a name of its own.

    Raises:
        RoilabError: (its subclasses) names are too few or too many, or a network does not tell its
            layers.
    """
    if names and len(names) != len(files):
        raise DisplayError(
            f"names: {len(names)} for {len(files)} networks; give one for each, or none."
        )
    own = list(names) or [file.name for file in files]
    if len(set(own)) < len(own):
        own = [f"{name} {number + 1}" for number, name in enumerate(own)]
    data = {**data, "mask_thresh": 0.5}  # a file that says nothing is taken as WCT's node does
    networks = []
    for file, name in zip(files, own, strict=True):
        assert file.module is not None
        recipe = network_recipe(file, given, data)
        networks.append(Network(name, on_device(file.module, device), recipe))
    return networks


def find(
    networks: Sequence[Network],
    thresholds: Sequence[float],
    event: PlaneEvent,
    physics: PhysicsSettings,
) -> list[Finding]:
    """What every network finds at every threshold (or at its own).

    Raises:
        DisplayError: the event lacks a layer of a network.
    """
    findings = []
    for network in networks:
        probability = _probability(network, event, physics)
        for threshold in thresholds or [network.recipe.mask_thresh]:
            name = f"{network.name} > {threshold:g}" if thresholds else network.name
            findings.append(_finding(name, network, threshold, probability, event, physics))
    return findings


def _probability(network: Network, event: PlaneEvent, physics: PhysicsSettings) -> Frame:
    recipe = network.recipe
    missing = [layer for layer in recipe.layers if layer not in event.tags]
    if missing:
        raise DisplayError(
            f"{event.file}: {event.absent[missing[0]]}, a layer of {network.name}; the event has "
            f"{', '.join(event.present)}. Name another event, or leave the network out."
        )
    node = physics.node_settings(recipe.rebin, recipe.input_scale, recipe.mask_thresh)
    image = model_input([event.tags[layer] for layer in recipe.layers], node)
    return forward_in_chunks(network.probability, image, node.nchunks)


def _finding(
    name: str,
    network: Network,
    threshold: float,
    probability: Frame,
    event: PlaneEvent,
    physics: PhysicsSettings,
) -> Finding:
    node = dnn(physics, network.recipe, threshold).node
    n_ticks = event.ticks[1] - event.ticks[0]
    ticks = np.repeat(probability, node.tick_per_slice, axis=1)[:, :n_ticks]
    decon = event.tags.get(physics.decon_charge)
    charge = None if decon is None else roi_charge(decon, probability, node)
    mask = ticks > np.float32(threshold)
    return Finding(name, network.name, threshold, ticks, mask, charge)


@dataclass(frozen=True)
class TrueRois:
    """The truth mask that a network learns from, tick by tick, and the charge it would keep.

    Attributes:
        mask: without padding, shape (channel, tick).
        padded: with padding.
        charge: [electrons/tick] that WCT's node gives for ``padded``; ``None`` without
            deconvolved charge.
        what: threshold, rebin and padding in words.
        pad: how far it is padded [ticks].
    """

    mask: Mask
    padded: Mask
    charge: Frame | None
    what: str
    pad: int


def true_rois(
    event: PlaneEvent, recipe: NetworkRecipe, physics: PhysicsSettings
) -> TrueRois | None:
    """The truth mask of a recipe; ``None`` without truth."""
    if event.truth is None:
        return None
    node = physics.node_settings(recipe.rebin, input_scale=1.0, mask_thresh=0.5)
    above: Mask = downsampled(event.truth, node) > np.float32(recipe.threshold)
    padded = pad_mask(above, recipe.pad, recipe.pad_unit, recipe.rebin)
    decon = event.tags.get(physics.decon_charge)
    charge = None if decon is None else roi_charge(decon, padded.astype(np.float32), node)
    n_ticks = event.truth.shape[1]
    masks = [np.repeat(mask, recipe.rebin, axis=1)[:, :n_ticks] for mask in (above, padded)]
    what = f"truth > {recipe.threshold:g} e, rebin {recipe.rebin}"
    pad = recipe.pad * (recipe.rebin if recipe.pad_unit == "bins" else 1)
    return TrueRois(masks[0], masks[1], charge, what, pad)


def runs(mask: Mask) -> list[Range]:
    """Half-open (first, end) of every run of ones in one channel, shape (tick,)."""
    steps = np.diff(np.pad(mask.astype(np.int8), 1))
    ends = zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=True)
    return [(int(first), int(end)) for first, end in ends]


@dataclass(frozen=True)
class ChargeCut:
    """What a cut on the charge of every tick takes from a result.

    Attributes:
        charge: what is left [electrons/tick], shape (channel, tick).
        pixels: ticks with charge, before.
        removed_pixels: of them.
        total: charge before [electrons].
        removed: of it [electrons].
        removed_true: of that, where there is truth charge [electrons]; ``None`` without truth.
    """

    charge: Frame
    pixels: int
    removed_pixels: int
    total: float
    removed: float
    removed_true: float | None

    @property
    def sentence(self) -> str:
        """In numbers."""
        text = (
            f"removes {self.removed_pixels:,} of {self.pixels:,} pixels "
            f"({100 * self.removed_pixels / max(1, self.pixels):.1f} %) and {self.removed:.3g} of "
            f"{self.total:.3g} e ({100 * self.removed / (self.total or 1.0):.1f} %)"
        )
        if self.removed_true is None:
            return text
        return f"{text}, {self.removed_true:.3g} e of it on true charge"


def cut_charge(charge: Frame, cut: float, true: Mask | None) -> ChargeCut:
    """Set charge up to a cut to 0.

    Args:
        charge: a result [electrons/tick], shape (channel, tick).
        cut: [electrons/tick]; what is not above it goes.
        true: where there is truth charge; ``None`` without truth.
    """
    removed = (charge != 0) & (charge <= np.float32(cut))
    lost = charge[removed].sum(dtype=np.float64)
    on_true = None if true is None else float(charge[removed & true].sum(dtype=np.float64))
    return ChargeCut(
        np.where(removed, np.float32(0), charge),
        int(np.count_nonzero(charge)),
        int(np.count_nonzero(removed)),
        float(charge.sum(dtype=np.float64)),
        float(lost),
        on_true,
    )
