"""Frame files of a folder as training, validation and test batches."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from roilab.config import read_part
from roilab.config.rules import DataConfigError
from roilab.data.cache import ImageCache
from roilab.data.dataset import RoiDataset, TrainingItem
from roilab.data.epochs import EpochDataset, EpochSampler
from roilab.data.fill import fill_cache
from roilab.data.image_index import ImageSource, list_images
from roilab.data.left_out import LeftOut
from roilab.data.loader import BatchLoader
from roilab.data.sampler import ShuffledSampler, SkippingSampler, UnrepeatedSampler
from roilab.data.settings import DataSettings
from roilab.data.split import split_by_event
from roilab.frames import FilePair
from roilab.frames.selection import Stage

log = logging.getLogger(__name__)


class RoiDataModule(LightningDataModule):
    """Training, validation and test batches of WCT frame files, with the keys of ``conf/data``.

    Raises:
        RoilabError: (its subclasses too) settings contradict each other.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = DataSettings(**read_part("roilab.data.RoiDataModule", settings, "data"))
        self.samples = [Path(folder).expanduser() for folder in self.settings.samples]
        self.cache = None if self.settings.cache is None else ImageCache(**self.settings.cache)
        self._listed: dict[Stage, list[ImageSource]] = {}  # before the split
        self._datasets: dict[Stage, RoiDataset] = {}
        self._left_out = LeftOut()
        self._prepared = self._agreed = False

    def make_frames(self) -> None:
        """Make the frames that do not exist yet; here all exist."""

    def prepare_data(self) -> None:
        """Fill the cache before the training starts (in one process per machine)."""
        self.setup()
        if self.cache is None or self._prepared:
            return
        self._prepared = True
        for dataset in self._datasets.values():
            fill_cache(dataset, dataset.absent(), self.settings.num_workers, "Preparing images")
        log.info(
            "cache %s holds %.2f GB of at most %g GB",
            self.cache.dir,
            self.cache.size_bytes() / 1e9,
            self.cache.max_bytes / 1e9,
        )

    def setup(self, stage: str | None = None) -> None:
        """List the images of every stage; their samples are not read yet.

        With ``data.on_error=skip`` they are, to leave out events that cannot be read; several
        processes leave out the same ones.
        """
        if not self._listed:
            self._listed = self._sources()
        # Lightning names a stage, in all processes at once.
        if stage is not None and self.settings.on_error == "skip" and not self._agreed:
            self._agreed = True
            if self._left_out.share():
                self._listed = {n: self._left_out.remove(s) for n, s in self._listed.items()}
                self._datasets.clear()
        if not self._datasets:
            self._make_datasets()

    def _make_datasets(self) -> None:
        """Split the listed images where no validation files are named."""
        settings, images = self.settings, dict(self._listed)
        if "val" not in images and images["train"]:
            images["train"], images["val"] = split_by_event(
                images["train"], settings.val_fraction, settings.split_seed
            )
        for name, sources in images.items():
            if not sources:
                raise DataConfigError(
                    f"no image is left for {name} of the files in "
                    f"{settings.files.dir}{self._first_reason()}; check data.train_files, "
                    "data.val_files and data.test_files."
                )
            self._datasets[name] = self._dataset(sources)
        sizes = ", ".join(f"{len(data)} {name}" for name, data in self._datasets.items())
        log.info("images from %s: %s", settings.files.dir, sizes)

    def _sources(self) -> dict[Stage, list[ImageSource]]:
        """Return the images of every stage that names files, and those of the training."""
        pairs = self.settings.files.pairs()
        return {stage: self._list_images(files) for stage, files in pairs.items()}

    def _dataset(self, sources: Sequence[ImageSource]) -> RoiDataset:
        settings = self.settings
        arguments = settings.image_spec, settings.truth_spec, settings.layer_scale, self.cache
        return RoiDataset(sources, *arguments)

    def _list_images(self, pairs: Sequence[FilePair]) -> list[ImageSource]:
        """List the images of some files, without the events that are left out."""
        settings = self.settings
        where = (settings.readout, settings.selection, settings.image_spec)
        if settings.on_error == "stop":
            return list_images(pairs, *where)
        sources = list_images(pairs, *where, self._left_out.add)
        return self._left_out.readable(self._dataset(sources), settings.num_workers)

    def _first_reason(self) -> str:
        reasons = self._left_out.reasons
        if not reasons:
            return ""
        name, reason = next(iter(reasons.items()))
        return f" ({len(reasons)} files or events are left out; {name}: {reason})"

    @property
    def left_out(self) -> Mapping[str, str]:
        """Error message of every event or file that is left out, by its name."""
        return self._left_out.reasons

    def dataset(self, stage: Stage) -> RoiDataset:
        """Return the images of one stage, after ``setup``."""
        return self._datasets[stage]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the numbers of files, events and images of every stage, after ``setup``."""
        return {
            stage: {
                "files": len({source.pair for source in dataset.sources}),
                "events": len({(source.pair, source.rec_event) for source in dataset.sources}),
                "images": len(dataset),
            }
            for stage, dataset in self._datasets.items()
        }

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stages that have images, after ``setup``."""
        return tuple(self._datasets)

    def events_to_simulate(self) -> int | None:
        """Return the number of events that are simulated first; ``None`` for existing files."""
        return None

    @property
    def has_test(self) -> bool:
        """Whether test files are named."""
        return bool(self.settings.test_files)

    def layer_statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and width (standard deviation) of every layer over the training images.

        Both have shape (layer,), in electrons per tick.
        """
        dataset = self.dataset("train")
        sums = torch.zeros(2, len(self.settings.layers), dtype=torch.float64)
        pixels = 0
        for index in range(len(dataset)):
            layers = torch.from_numpy(dataset.prepared(index)[:-1]).double()
            sums += torch.stack([layers.sum((1, 2)), layers.square().sum((1, 2))])
            pixels += layers[0].numel()
        mean = sums[0] / pixels
        width = (sums[1] / pixels - mean.square()).clamp(min=0).sqrt()
        return mean.float(), torch.where(width > 0, width, 1.0).float()

    def train_dataloader(self) -> DataLoader[TrainingItem]:
        """Return shuffled batches of the training images."""
        return self._loader("train")

    def val_dataloader(self) -> DataLoader[TrainingItem]:
        """Return batches of the validation images, in order."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[TrainingItem]:
        """Return batches of the test images, in order."""
        return self._loader("test")

    def _loader(self, stage: Stage) -> DataLoader[TrainingItem]:
        dataset, settings, trainer = self.dataset(stage), self.settings, self.trainer
        rank, size = (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
        read: RoiDataset | EpochDataset = dataset
        sampler: SkippingSampler
        if stage == "train":
            sampler = ShuffledSampler(len(dataset), rank, size, settings.shuffle_seed)
            changes = settings.crop_spec, settings.augment_spec
            if changes != (None, None):
                read = EpochDataset(dataset, settings.shuffle_seed, *changes)
                sampler = EpochSampler(sampler)
        else:
            sampler = UnrepeatedSampler(len(dataset), rank, size)
        pin = torch.cuda.is_available() if settings.pin_memory is None else settings.pin_memory
        return BatchLoader(
            read,
            sampler,
            batch_size=settings.batch_size if stage == "train" else settings.val_batch_size,
            num_workers=settings.num_workers,
            persistent_workers=settings.num_workers > 0,
            pin_memory=pin,
        )
