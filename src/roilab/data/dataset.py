"""The images of a set of sources as training samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, default_collate

from roilab.data.cache import ImageCache, image_key
from roilab.data.image_index import ImageRecipe, ImageSource
from roilab.data.images import PadUnit, pad_mask, scale_charge, truth_mask
from roilab.data.prepare import prepare_image
from roilab.errors import RoilabError


class Sample(TypedDict):
    """One image, or a batch of them with a leading axis.

    Attributes:
        image: input layers, scaled, shape (layer, channel, slice).
        truth_mask: 1 where truth charge is above threshold, shape (1, channel, slice), float32.
        name: file, event, anode and plane.
        truth_charge: truth charge [electrons/tick], shape (1, channel, slice); only where asked.
    """

    image: torch.Tensor
    truth_mask: torch.Tensor
    name: str
    truth_charge: NotRequired[torch.Tensor]


@dataclass(frozen=True)
class TargetRecipe:
    """What is made of a prepared image: none of it changes the cache.

    Attributes:
        input_scale: scalar on the layers (1/4000 as WCT).
        threshold: of the truth mask [electrons/tick], strict.
        pad: how far runs of the truth mask are extended in time.
        pad_unit: ``bins`` or ``ticks``.
        truth_charge: hand out the truth charge as well.
    """

    input_scale: float
    threshold: float
    pad: int
    pad_unit: PadUnit
    truth_charge: bool = False


class ShapeError(RoilabError):
    """Images of different shapes meet in one batch."""


class RoiDataset(Dataset[Sample]):
    """Samples of the given sources; files are opened when a sample is asked for."""

    def __init__(
        self,
        sources: Sequence[ImageSource],
        recipe: ImageRecipe,
        target: TargetRecipe,
        cache: ImageCache | None = None,
    ) -> None:
        self.sources = list(sources)
        self.recipe = recipe
        self.target = target
        self.cache = cache

    def __len__(self) -> int:
        return len(self.sources)

    def prepared(self, index: int) -> NDArray[np.float32]:
        """Layers and truth charge of one image [electrons/tick], (n_layers + 1, channel, slice)."""
        source = self.sources[index]
        if self.cache is None:
            return prepare_image(source, self.recipe)
        key = image_key(source, self.recipe)
        return self.cache.get(key, lambda: prepare_image(source, self.recipe))

    def __getitem__(self, index: int) -> Sample:
        prepared = torch.from_numpy(self.prepared(index))
        charge, target = prepared[-1:], self.target
        mask = truth_mask(charge, target.threshold)
        mask = pad_mask(mask, target.pad, target.pad_unit, self.recipe.rebin)
        sample = Sample(
            image=scale_charge(prepared[:-1], target.input_scale),
            truth_mask=mask.float(),
            name=self.sources[index].name,
        )
        if target.truth_charge:
            sample["truth_charge"] = charge
        return sample


def collate(samples: list[Sample]) -> Sample:
    """Join samples to a batch.

    Raises:
        ShapeError: their images differ in shape (planes with different numbers of channels).
    """
    shapes = {tuple(sample["image"].shape) for sample in samples}
    if len(shapes) > 1:
        names = ", ".join(sample["name"] for sample in samples)
        raise ShapeError(
            f"images of shapes {sorted(shapes)} cannot share a batch ({names}); expected one "
            "shape. Set data.batch_size=1, choose planes of one size, or data.stack=true."
        )
    batch: Sample = default_collate(samples)
    return batch
