"""Augmentation: random changes of training images that a detector could have made."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from roilab.data.dataset import TrainingItem


@dataclass(frozen=True)
class AugmentSpec:
    """Random changes: ``data.augment`` in ``conf/data/base.yaml``, which documents every key."""

    flip: float
    gain: tuple[float, float]
    dead_channels: float
    shift: int
    noise: float
    not_charge: Sequence[str]
    from_other_planes: Sequence[str]

    @property
    def changes(self) -> bool:
        """Whether anything is changed."""
        nothing = (self.flip, self.dead_channels, self.shift, self.noise) == (0, 0, 0, 0)
        return not nothing or tuple(self.gain) != (1, 1)


def augment(
    item: TrainingItem, layers: Sequence[str], spec: AugmentSpec, random: np.random.Generator
) -> TrainingItem:
    """Return a copy of a training item with random changes; ``layers`` are its tags, in order."""
    mask = item["truth_mask"]
    # Every change draws its numbers, also where it is off: one does not change the others.
    flipped, gain = random.random() < spec.flip, float(random.uniform(*spec.gain))
    dead = random.random(item["image"].shape[-2]) < random.uniform(0, spec.dead_channels)
    image = item["image"] + _noise(item, random, spec.noise)
    # The shift comes last: an integer of only one choice draws nothing.
    shift = int(random.integers(-spec.shift, spec.shift, endpoint=True))
    for number, tag in enumerate(layers):
        if tag in spec.not_charge:
            image[number] = item["image"][number]
        else:
            image[number] *= gain
        if tag not in spec.from_other_planes:
            image[number, torch.from_numpy(dead)] = 0
    if flipped:
        image, mask = image.flip(-2), mask.flip(-2)
    return TrainingItem(
        image=_shift(image, shift), truth_mask=_shift(mask, shift), name=item["name"]
    )


def _noise(item: TrainingItem, random: np.random.Generator, largest: float) -> torch.Tensor:
    """Return noise to add to layers: all that lies outside the truth mask, moved, times a factor.

    It has the spectrum that the signal processing gave to the layers. Moved over the edge, it
    enters on the other side.
    """
    factor, place = random.uniform(0, largest), random.random(2)
    outside = item["image"] * (item["truth_mask"] == 0)
    rows, slices = (int(part * size) for part, size in zip(place, outside.shape[-2:], strict=True))
    return factor * outside.roll((rows, slices), (-2, -1))


def _shift(image: torch.Tensor, slices: int) -> torch.Tensor:
    """Move an image (..., channel, slice) to later slices; what enters is 0."""
    if slices == 0:
        return image
    moved = torch.zeros_like(image)
    if slices > 0:
        moved[..., slices:] = image[..., :-slices]
    else:
        moved[..., :slices] = image[..., -slices:]
    return moved
