"""Predictions of networks for a plane, and the truth ROIs that they should find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roilab.data.images import pad_mask, pad_ticks
from roilab.display.settings import DisplayError
from roilab.inference import (
    Network,
    NetworkFile,
    NetworkSpec,
    NodeDefaults,
    Plane,
    apply_probability,
    network_spec,
    roi_probability,
)
from roilab.inference.rois import to_ticks
from roilab.types import Frame, Mask, Range
from roilab.wirecell import downsample


@dataclass(frozen=True)
class Prediction:
    """ROIs of one network at one mask threshold, each (channel, tick).

    Attributes:
        name: of network and threshold, for titles.
        network: name of the network.
        mask_thresh: on the probability.
        probability: of a ROI.
        mask: probability above the threshold.
        charge: charge that WCT's node keeps [electrons/tick]; ``None`` without deconvolved charge.
    """

    name: str
    network: str
    mask_thresh: float
    probability: Frame
    mask: Mask
    charge: Frame | None


def make_networks(
    files: Sequence[NetworkFile],
    names: Sequence[str],
    given: Mapping[str, Any],
    data: Mapping[str, Any],
    defaults: NodeDefaults,
    device: str,
) -> list[Network]:
    """Return the networks of files, each with a different name.

    Args:
        files: with a network each.
        names: one a network, or none for the names in the files.
        given: settings of the user, see ``network_spec``.
        data: data config for settings that nothing else gives.
        defaults: settings of WCT's node.
        device: ``cpu``, ``cuda`` or ``auto``.

    Raises:
        RoilabError: (its subclasses) there are too few or too many names, or the layers of a
            network are not known.
    """
    if names and len(names) != len(files):
        raise DisplayError(
            f"names: {len(names)} for {len(files)} networks; give one for each, or none."
        )
    unique = list(names) or [file.name for file in files]
    if len(set(unique)) < len(unique):
        unique = [f"{name} {number + 1}" for number, name in enumerate(unique)]
    return [
        replace(file.network(network_spec(file, given, data), defaults, device), name=name)
        for file, name in zip(files, unique, strict=True)
    ]


def predict(
    networks: Sequence[Network], thresholds: Sequence[float], plane: Plane
) -> list[Prediction]:
    """Apply every network at every threshold (or at the network's threshold).

    Raises:
        PlaneReaderError: the plane lacks a layer of a network.
    """
    predictions = []
    for network in networks:
        probability = roi_probability(network, plane)
        for threshold in thresholds or [network.spec.mask_thresh]:
            name = f"{network.name} > {threshold:g}" if thresholds else network.name
            node = network.with_mask_thresh(threshold).node
            rois = apply_probability(plane, probability, node, network.decon_charge)
            ticks = to_ticks(probability, node, plane)
            predictions.append(
                Prediction(name, network.name, threshold, ticks, rois.mask, rois.charge)
            )
    return predictions


@dataclass(frozen=True)
class TruthRois:
    """Truth mask that a network learns, tick by tick, and the charge that it keeps.

    Attributes:
        mask: without padding, shape (channel, tick).
        padded: with padding.
        charge: charge that WCT's node keeps for ``padded`` [electrons/tick]; ``None`` without
            deconvolved charge.
        label: threshold and rebin in words.
        pad: padding on both sides [ticks].
    """

    mask: Mask
    padded: Mask
    charge: Frame | None
    label: str
    pad: int


def truth_rois(plane: Plane, spec: NetworkSpec, defaults: NodeDefaults) -> TruthRois | None:
    """Return the truth mask of a network's spec; ``None`` without truth."""
    if plane.truth is None:
        return None
    node = defaults.node_settings(spec.rebin, input_scale=1.0, mask_thresh=0.5)
    above: Mask = downsample(plane.truth, node) > np.float32(spec.threshold)
    padded = pad_mask(above, spec.pad, spec.pad_unit, spec.rebin)
    rois = apply_probability(plane, padded.astype(np.float32), node, defaults.decon_charge)
    label = f"truth > {spec.threshold:g} e, rebin {spec.rebin}"
    pad = pad_ticks(spec.pad, spec.pad_unit, spec.rebin)
    return TruthRois(to_ticks(above, node, plane), rois.mask, rois.charge, label, pad)


def runs(mask: Mask) -> list[Range]:
    """Return the half-open range of every run of ones in one channel, shape (tick,)."""
    steps = np.diff(np.pad(mask.astype(np.int8), 1))
    ends = zip(np.flatnonzero(steps > 0), np.flatnonzero(steps < 0), strict=True)
    return [(int(first), int(end)) for first, end in ends]


@dataclass(frozen=True)
class ChargeCut:
    """Result of a cut on the charge of every tick.

    Attributes:
        charge: after the cut [electrons/tick], shape (channel, tick).
        pixels: ticks with charge before the cut.
        removed_pixels: ticks that the cut sets to 0.
        total: charge before [electrons].
        removed: charge that the cut removes [electrons].
        removed_true: removed charge on ticks with truth charge [electrons]; ``None`` without truth.
    """

    charge: Frame
    pixels: int
    removed_pixels: int
    total: float
    removed: float
    removed_true: float | None

    @property
    def sentence(self) -> str:
        """Pixels and charge that the cut removes, in one sentence."""
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
        charge: in ROIs [electrons/tick], shape (channel, tick).
        cut: [electrons/tick]; charge above it stays.
        true: ticks with truth charge; ``None`` without truth.
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
