"""Training images that change from epoch to epoch: augmented, or crops of them."""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Dataset

from roilab.data.augment import AugmentSpec, augment
from roilab.data.crops import CropChooser, CropSpec, cut
from roilab.data.dataset import RoiDataset, TrainingItem, collate
from roilab.data.sampler import ShuffledSampler, SkippingSampler

_AUGMENT = 1  # number of a purpose: keeps the random numbers of crops apart from others


class EpochDataset(Dataset[list[TrainingItem]]):
    """Augmented images, and crops of them; an item has all crops of one image.

    The index is a pair of epoch and image: all random numbers follow from both and from ``seed``,
    whichever process reads them, and whether or not the training was resumed.

    Args:
        images: the images as they are.
        seed: of all random numbers.
        crop: size and choice of the crops; ``None`` for complete images.
        change: random changes of the images; ``None`` for none.
    """

    def __init__(
        self, images: RoiDataset, seed: int, crop: CropSpec | None, change: AugmentSpec | None
    ) -> None:
        self.images, self.seed, self.crop, self.change = images, seed, crop, change

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: tuple[int, int]) -> list[TrainingItem]:
        epoch, image = index
        item = self.images[image]
        if self.change is not None:
            random = np.random.default_rng((self.seed, epoch, image, _AUGMENT))
            item = augment(item, self.images.spec.layers, self.change, random)
        if self.crop is None:
            return [item]
        random = np.random.default_rng((self.seed, epoch, image))
        chooser = CropChooser(item["truth_mask"][0].numpy() > 0, self.crop)
        return [cut(item, corner, self.crop) for corner in chooser.choose(random)]


def collate_epoch(images: list[list[TrainingItem]]) -> TrainingItem:
    """Join the items of all images to one batch."""
    return collate([item for items in images for item in items])


class EpochSampler(SkippingSampler):
    """Pairs of epoch and image, for ``EpochDataset``, in the order of another sampler."""

    def __init__(self, images: ShuffledSampler) -> None:
        self.images, self._epoch = images, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self._epoch = epoch
        self.images.set_epoch(epoch)

    def order(self) -> Iterator[tuple[int, int]]:  # type: ignore[override]  # noqa: D102
        return ((self._epoch, image) for image in self.images.order())

    def __len__(self) -> int:
        return len(self.images)
