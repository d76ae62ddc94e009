"""ROIs of a plane: probability, mask and charge, as WCT's node makes them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from roilab.data.images import PadUnit, pad_mask
from roilab.errors import RoilabError
from roilab.frames import FrameWriter
from roilab.inference.roi_frames import RoiFrames
from roilab.object_table import object_html, object_text
from roilab.planes import Plane, PlaneLocation, PlaneReaderError
from roilab.types import Frame, Mask
from roilab.wirecell import (
    NodeSettings,
    downsample,
    forward_in_chunks,
    model_input,
    roi_charge,
)

if TYPE_CHECKING:
    from roilab.inference.network import Network

Image = TypeVar("Image", Frame, Mask)


class NanProbabilityError(RoilabError):
    """A network returns NaN."""


@dataclass(frozen=True, repr=False)
class Rois:
    """ROIs of one plane.

    Attributes:
        probability: of a ROI, shape (channel, slice); 0 or 1 where they come from truth.
        mask: probability above the threshold, shape (channel, tick).
        charge: charge inside the ROIs [electrons/tick], shape (channel, tick); ``None`` where
            the plane has no deconvolved charge.
    """

    probability: Frame
    mask: Mask
    charge: Frame | None

    def __repr__(self) -> str:
        return object_text(self, self._facts())

    def _repr_html_(self) -> str:
        return object_html(self, self._facts())

    def _facts(self) -> dict[str, object]:
        begins = np.diff(self.mask.astype(np.int8), axis=1, prepend=0) == 1
        charge = self.charge
        return {
            "ROIs": f"{np.count_nonzero(begins):,}",
            "pixels inside": f"{100 * self.mask.mean():.2f} % of {self.mask.shape}",
            "charge": "not known" if charge is None else f"{charge.sum(dtype=np.float64):.4g} e",
        }

    @property
    def known_charge(self) -> Frame:
        """Charge inside the ROIs where it must exist.

        Raises:
            PlaneReaderError: the plane has no deconvolved charge.
        """
        if self.charge is None:
            raise PlaneReaderError(
                "the plane has no deconvolved charge, so its ROIs have no charge; name frames with "
                "the tag of physics.decon_charge."
            )
        return self.charge


@dataclass(frozen=True, repr=False)
class NetworkRois(Rois):
    """ROIs that a network found in one plane.

    Attributes:
        location: of the plane.
        node: settings of the node.
        roi_frames: tags and rows in frame files.
    """

    location: PlaneLocation
    node: NodeSettings
    roi_frames: RoiFrames

    def _facts(self) -> dict[str, object]:
        threshold = f"{self.node.mask_thresh:g}"
        return {"plane": self.location.title, **super()._facts(), "mask_thresh": threshold}

    def probability_in_ticks(self) -> Frame:
        """Return the ROI probability with every slice repeated to its ticks, (channel, tick)."""
        return to_ticks(self.probability, self.node, self.location)

    def save(self, path: str | Path, *, sparse: bool | None = None) -> None:
        """Write charge, mask and probability to a frame file, under the tags of ``conf/physics``.

        A plane without deconvolved charge gives a file without charge.

        Args:
            path: file; its ending chooses the container, such as ``.h5`` or ``.npz``.
            sparse: leave out channels that have nothing, see ``RoiFrames``; ``None`` for the
                setting of ``conf/physics``.

        Raises:
            FrameFileError: the ending of the name belongs to no container.
        """
        chosen = self.roi_frames if sparse is None else replace(self.roi_frames, sparse=sparse)
        with FrameWriter(path) as writer:
            chosen.write(writer, [self])


def find_rois(network: "Network", plane: Plane) -> NetworkRois:
    """Find ROIs and their charge as WCT's node does.

    Args:
        network: in its node.
        plane: with the layers of the network; with its deconvolved charge, for the charge.

    Raises:
        PlaneReaderError: the plane lacks a layer of the network.
    """
    probability = roi_probability(network, plane)
    rois = apply_probability(plane, probability, network.node, network.decon_charge)
    arrays = (rois.probability, rois.mask, rois.charge)
    return NetworkRois(*arrays, plane.location, network.node, network.roi_frames)


def roi_probability(network: "Network", plane: Plane) -> Frame:
    """Return the ROI probability, shape (channel, slice).

    Raises:
        PlaneReaderError: the plane lacks a layer of the network.
        NanProbabilityError: the network returns NaN.
    """
    missing = [layer for layer in network.spec.layers if layer not in plane.tags]
    if missing:
        raise PlaneReaderError(
            f"{plane.title}: {plane.missing.get(missing[0], f'no tag {missing[0]!r}')}, a layer of "
            f"{network.name}; the event has {', '.join(plane.available)}. Name another event, or "
            "leave the network out."
        )
    _check_stored_rebin(plane, network)
    image = model_input([plane.tags[layer] for layer in network.spec.layers], network.node)
    probability = forward_in_chunks(network.probability, image, network.node.nchunks)
    check_probability(probability, network.name, plane.title)
    return probability


def _check_stored_rebin(plane: Plane, network: "Network") -> None:
    """Check that a network has the slices of a plane that was rebinned before."""
    wanted = network.node.tick_per_slice
    if plane.rebin not in (1, wanted):
        raise PlaneReaderError(
            f"{plane.title}: was rebinned to {plane.rebin} ticks before it was written, but "
            f"{network.name} takes slices of {wanted} ticks; expected the same. Name a network of "
            f"rebin {plane.rebin}, or frames of ticks."
        )


def check_probability(probability: Frame, network: str, image: str) -> None:
    """Check that a ROI probability is a number: NaN would count as no ROI.

    Raises:
        NanProbabilityError: it is not, in at least one pixel.
    """
    bad = int(np.count_nonzero(~np.isfinite(probability)))
    if bad:
        raise NanProbabilityError(
            f"{network}: the ROI probability of {image} is NaN in {bad} of {probability.size} "
            "pixels; expected numbers from 0 to 1. Its weights are NaN, or too large: take an "
            "earlier checkpoint, or train again with a lower optimizer.lr."
        )


def apply_probability(
    plane: Plane, probability: Frame, node: NodeSettings, decon_charge: str
) -> Rois:
    """Mask the deconvolved charge with a ROI probability.

    Args:
        plane: with its deconvolved charge; without it, no charge is returned.
        probability: shape (channel, slice).
        node: settings of the node.
        decon_charge: tag of the deconvolved charge, without APA number.
    """
    mask = to_ticks(probability > np.float32(node.mask_thresh), node, plane)
    decon = plane.tags.get(decon_charge)
    charge = None if decon is None else roi_charge(decon, probability, node)
    return Rois(probability, mask, charge)


def true_rois(
    plane: Plane,
    threshold: float,
    pad: int,
    pad_unit: PadUnit,
    node: NodeSettings,
    decon_charge: str,
) -> Rois:
    """Return the ROIs of a perfect network: the truth mask through the node.

    Args:
        plane: with truth charge.
        threshold: of the truth mask [electrons/tick].
        pad: of the truth mask, in ``pad_unit``.
        pad_unit: ``bins`` or ``ticks``.
        node: settings of the node; ``mask_thresh`` between 0 and 1.
        decon_charge: tag of the deconvolved charge, without APA number.
    """
    assert plane.truth is not None
    above: Mask = downsample(plane.truth, node) > np.float32(threshold)
    padded = pad_mask(above, pad, pad_unit, node.tick_per_slice)
    return apply_probability(plane, padded.astype(np.float32), node, decon_charge)


def to_ticks(image: Image, node: NodeSettings, plane: PlaneLocation) -> Image:
    """Repeat every slice (channel, slice) to its ticks and crop to the plane (channel, tick)."""
    n_ticks = plane.ticks[1] - plane.ticks[0]
    return np.repeat(image, node.tick_per_slice, axis=1)[:, :n_ticks]
