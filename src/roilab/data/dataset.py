"""The images of a set of sources as training items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch.utils.data import Dataset, default_collate

from roilab.data.cache import ImageCache, image_key
from roilab.data.image_index import ImageSource, ImageSpec
from roilab.data.images import PadUnit, pad_mask, scale_charge, truth_mask
from roilab.data.prepare import prepare_image
from roilab.errors import RoilabError
from roilab.types import Frame


class TrainingItem(TypedDict):
    """One image, or a batch of images with a leading axis."""

    image: torch.Tensor  # scaled layers (layer, channel, slice)
    truth_mask: torch.Tensor  # 1 where truth charge > threshold (1, channel, slice), float32
    name: str  # file, event, anode and plane


@dataclass(frozen=True)
class TruthSpec:
    """Truth mask of a prepared image; the cache does not depend on it."""

    threshold: float  # of the truth charge [electrons/tick], strict
    pad: int  # extension of the mask's runs in time, on both sides
    pad_unit: PadUnit


class ShapeError(RoilabError):
    """Images of different shapes are in one batch."""


class RoiDataset(Dataset[TrainingItem]):
    """Training items of the given sources; files are opened when an item is read.

    ``input_scale`` is the factor on the layers (1/4000 as WCT). Without ``cache`` the frames are
    read every time.
    """

    def __init__(
        self,
        sources: Sequence[ImageSource],
        spec: ImageSpec,
        truth: TruthSpec,
        input_scale: float,
        cache: ImageCache | None = None,
    ) -> None:
        self.sources, self.cache = list(sources), cache
        self.spec, self.truth, self.input_scale = spec, truth, input_scale

    def __len__(self) -> int:
        return len(self.sources)

    def make(self, index: int) -> Frame:
        """Make layers and truth charge (last) of one image from the frames."""
        return prepare_image(self.sources[index], self.spec)

    def prepared(self, index: int) -> Frame:
        """Return layers and truth charge (last) of one image: from the cache, or else made."""
        if self.cache is None:
            return self.make(index)
        return self.cache.get(self._key(index), lambda: self.make(index))

    def absent(self) -> list[int]:
        """Return the indices of the images that are not in the cache; all without a cache."""
        if self.cache is None:
            return list(range(len(self)))
        return self.cache.absent([self._key(index) for index in range(len(self))])

    def fill(self, index: int) -> bool:
        """Put an image into the cache, unless another job does; return ``False`` then.

        Without a cache the image is only made.
        """
        if self.cache is None:
            self.make(index)
            return True
        return self.cache.fill(self._key(index), lambda: self.make(index))

    def uncached(self, index: int) -> TrainingItem:
        """Return a training item without writing it to the cache."""
        return self._item(self.make(index), index)

    def _key(self, index: int) -> str:
        return image_key(self.sources[index], self.spec)

    def __getitem__(self, index: int) -> TrainingItem:
        return self._item(self.prepared(index), index)

    def with_charge(self, index: int) -> tuple[TrainingItem, torch.Tensor]:
        """Return a training item and its truth charge [electrons/tick], (1, channel, slice)."""
        image = self.prepared(index)
        return self._item(image, index), torch.from_numpy(image)[-1:]

    def _item(self, image: Frame, index: int) -> TrainingItem:
        prepared = torch.from_numpy(image)
        mask = truth_mask(prepared[-1:], self.truth.threshold)
        mask = pad_mask(mask, self.truth.pad, self.truth.pad_unit, self.spec.rebin)
        return TrainingItem(
            image=scale_charge(prepared[:-1], self.input_scale),
            truth_mask=mask.float(),
            name=self.sources[index].name,
        )


def collate(items: list[TrainingItem]) -> TrainingItem:
    """Join training items to a batch.

    Raises:
        ShapeError: their images differ in shape (planes with different numbers of channels).
    """
    shapes = {tuple(item["image"].shape) for item in items}
    if len(shapes) > 1:
        names = ", ".join(item["name"] for item in items)
        raise ShapeError(
            f"images of shapes {sorted(shapes)} cannot share a batch ({names}); expected one "
            "shape. Set data.batch_size=1 (and data.val_batch_size=1), choose planes of one size, "
            "or data.stack=true."
        )
    batch: TrainingItem = default_collate(items)
    return batch
