"""Crops: parts of training images, chosen anew in every epoch."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roilab.data.dataset import TrainingItem
from roilab.data.images import crop

Mask = NDArray[np.bool_]  # truth mask (channel, slice)
Corner = tuple[int, int]  # first channel and first slice of a crop


@dataclass(frozen=True)
class CropSpec:
    """Size and choice of crops: ``data.crop`` in ``conf/data/base.yaml``.

    ``signal``, ``prolonged`` and ``empty`` are fractions of all crops; the others lie anywhere, and
    so do those around pixels that an image does not have.
    """

    per_image: int  # crops of an image in an epoch
    channels: int
    slices: int
    signal: float  # around a true pixel
    prolonged: float  # around a true pixel of a run of at least prolonged_slices
    empty: float  # where there are fewest true pixels
    prolonged_slices: int


class CropChooser:
    """Choose the crops of one image.

    Args:
        mask: truth mask (channel, slice), at least as large as a crop.
        spec: size and choice of the crops.
    """

    def __init__(self, mask: Mask, spec: CropSpec) -> None:
        self.mask, self.spec = mask, spec
        # Largest first channel and first slice that a crop can have.
        self.last = np.subtract(mask.shape, (spec.channels, spec.slices))

    def choose(self, random: np.random.Generator) -> list[Corner]:
        """Return first channel and slice of every crop."""
        spec = self.spec
        parts = [spec.signal, spec.prolonged, spec.empty]
        kinds = random.choice(4, spec.per_image, p=[*parts, max(0.0, 1 - sum(parts))])
        choices = (self._around_signal, self._around_prolonged, self._empty, self._anywhere)
        corners = [choices[kind](random) for kind in kinds]
        return [(int(channel), int(first)) for channel, first in corners]

    def _around_signal(self, random: np.random.Generator) -> Any:
        return self._around(self._signal, random)

    def _around_prolonged(self, random: np.random.Generator) -> Any:
        return self._around(self._prolonged, random)

    def _around(self, pixels: NDArray[np.intp], random: np.random.Generator) -> Any:
        """Choose a crop that contains one of the pixels, at a random place in the crop."""
        if not len(pixels):
            return self._anywhere(random)
        pixel = np.unravel_index(random.choice(pixels), self.mask.shape)
        place = random.integers((self.spec.channels, self.spec.slices))
        return np.clip(np.subtract(pixel, place), 0, self.last)

    def _empty(self, random: np.random.Generator) -> Any:
        return np.unravel_index(random.choice(self._emptiest), self.last + 1)

    def _anywhere(self, random: np.random.Generator) -> Any:
        return random.integers(self.last, endpoint=True)

    @cached_property
    def _signal(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.mask)

    @cached_property
    def _prolonged(self) -> NDArray[np.intp]:
        return np.flatnonzero(long_runs(self.mask, self.spec.prolonged_slices))

    @cached_property
    def _emptiest(self) -> NDArray[np.intp]:
        return np.flatnonzero(fewest_true(self.mask, self.spec))


def long_runs(mask: Mask, slices: int) -> Mask:
    """Return the pixels of runs in time of at least ``slices`` true pixels; shape of the mask."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    channels, begins = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)  # in the same order: each run has one of both
    kept = ends - begins >= slices
    steps = np.zeros(edges.shape, np.int8)
    steps[channels[kept], begins[kept]] = 1
    steps[channels[kept], ends[kept]] = -1
    return np.cumsum(steps, axis=1, dtype=np.int8)[:, :-1].astype(np.bool_)


def fewest_true(mask: Mask, spec: CropSpec) -> Mask:
    """Return the corners of the crops with the fewest true pixels.

    Shape (channels - crop channels + 1, slices - crop slices + 1).
    """
    sums = np.zeros(np.add(mask.shape, 1), np.int64)
    sums[1:, 1:] = mask.cumsum(0, dtype=np.int64).cumsum(1)
    rows, columns = spec.channels, spec.slices
    counts = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns]
    counts += sums[:-rows, :-columns]
    fewest: Mask = counts == counts.min()
    return fewest


def cut(item: TrainingItem, corner: Corner, spec: CropSpec) -> TrainingItem:
    """Copy the part of an item that begins at a corner; a view would keep the image in memory."""
    first, begin = corner
    window = (first, first + spec.channels), (begin, begin + spec.slices)
    return TrainingItem(
        image=crop(item["image"], *window).clone(memory_format=torch.contiguous_format),
        truth_mask=crop(item["truth_mask"], *window).clone(memory_format=torch.contiguous_format),
        name=item["name"],
    )
