"""Pure functions on plane images, for numpy arrays and torch tensors.

Axis order is (..., channel, tick).
"""

from math import ceil
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from roilab.config.rules import check_channel_rebin, check_rebin

Image = TypeVar("Image", NDArray[np.float32], torch.Tensor)
Mask = TypeVar("Mask", NDArray[np.bool_], torch.Tensor)
PadUnit = Literal["bins", "ticks"]


def rebin_mean(image: Image, ticks: int, channels: int = 1) -> Image:
    """Return the mean over ``ticks`` ticks and ``channels`` channels, in the same units.

    Shape (..., channel, tick) becomes (..., channel / channels, tick / ticks); the number of
    slices is rounded up. Ticks that the last slice lacks count as 0, as in WCT's node.

    Raises:
        RebinError: there are fewer ticks than ``ticks``, or ``channels`` does not divide its axis.
    """
    *lead, rows, columns = image.shape
    check_rebin(columns, ticks)
    check_channel_rebin(rows, channels)
    if columns % ticks:
        image, columns = _pad_ticks(image, -columns % ticks), columns + -columns % ticks
    if ticks > 1:
        image = image.reshape(*lead, rows, columns // ticks, ticks).mean(-1)
    if channels > 1:
        image = image.reshape(*lead, rows // channels, channels, columns // ticks).mean(-2)
    return image


def _pad_ticks(image: Image, ticks: int) -> Image:
    """Return a copy with zeros after the last tick."""
    if isinstance(image, torch.Tensor):
        return torch.nn.functional.pad(image, [0, ticks])
    return np.pad(image, [(0, 0)] * (image.ndim - 1) + [(0, ticks)])


def crop(image: Image, channels: tuple[int, int], ticks: tuple[int, int]) -> Image:
    """Return the part of an image in half-open ranges of channels and ticks, as a view."""
    return image[..., slice(*channels), slice(*ticks)]


def scale_charge(image: Image, input_scale: float) -> Image:
    """Multiply charge [electrons/tick] by WCT's ``input_scale``."""
    return image * input_scale


def truth_mask(charge: Image, threshold: float) -> Image:
    """Return where truth charge is strictly above the threshold, as booleans of the same shape.

    Both are in electrons per tick; the mean of a rebin keeps that unit.
    """
    mask: Image = charge > threshold  # type: ignore[assignment]
    return mask


def pad_mask(mask: Mask, pad: int, pad_unit: PadUnit = "bins", rebin: int = 1) -> Mask:
    """Extend every run of ones in time by ``pad`` on both sides.

    The mask is boolean of shape (..., channel, slice). With ``bins`` the unit is a slice. With
    ``ticks``: upsample to ticks (``rebin`` a slice), extend, downsample by any(); this extends by
    ceil(pad / rebin) slices.
    """
    reach = min(ceil(pad / rebin) if pad_unit == "ticks" else pad, mask.shape[-1])
    padded = mask | False
    for step in range(1, reach + 1):
        padded[..., step:] |= mask[..., :-step]
        padded[..., :-step] |= mask[..., step:]
    return padded


def pad_ticks(pad: int, pad_unit: PadUnit, rebin: int) -> int:
    """Return by how many ticks padding extends a run of the truth mask on both sides."""
    return pad * (rebin if pad_unit == "bins" else 1)
