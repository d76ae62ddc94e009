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
    """One image, or a batch of images with a leading axis.

    Attributes:
        image: input layers, scaled, shape (layer, channel, slice).
        truth_mask: 1 where the truth charge is above the threshold, shape (1, channel, slice),
            float32.
        name: file, event, anode and plane.
    """

    image: torch.Tensor
    truth_mask: torch.Tensor
    name: str


@dataclass(frozen=True)
class TruthSpec:
    """Truth mask of a prepared image; the cache does not depend on it.

    Attributes:
        threshold: of the truth charge [electrons/tick], strict.
        pad: by how much runs of the mask are extended in time, on both sides.
        pad_unit: ``bins`` or ``ticks``.
    """

    threshold: float
    pad: int
    pad_unit: PadUnit


class ShapeError(RoilabError):
    """Images of different shapes are in one batch."""


class RoiDataset(Dataset[TrainingItem]):
    """Training items of the given sources; files are opened when an item is read.

    Args:
        sources: the images.
        spec: contents of a prepared image.
        truth: truth mask.
        input_scale: factor on the layers (1/4000 as WCT).
        cache: prepared images on disk; ``None`` to read the frames every time.
    """

    def __init__(
        self,
        sources: Sequence[ImageSource],
        spec: ImageSpec,
        truth: TruthSpec,
        input_scale: float,
        cache: ImageCache | None = None,
    ) -> None:
        self.sources = list(sources)
        self.spec, self.truth, self.input_scale = spec, truth, input_scale
        self.cache = cache

    def __len__(self) -> int:
        return len(self.sources)

    def prepared(self, index: int) -> Frame:
        """Return layers and truth charge of one image.

        Returns:
            Shape (n_layers + 1, channel, slice) in electrons per tick.
        """
        source = self.sources[index]
        if self.cache is None:
            return prepare_image(source, self.spec)
        key = image_key(source, self.spec)
        return self.cache.get(key, lambda: prepare_image(source, self.spec))

    def __getitem__(self, index: int) -> TrainingItem:
        prepared = torch.from_numpy(self.prepared(index))
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
            "shape. Set data.batch_size=1, choose planes of one size, or data.stack=true."
        )
    batch: TrainingItem = default_collate(items)
    return batch
