"""Frame files of a folder as training, validation and test batches."""

import logging
from pathlib import Path
from typing import Any

import torch
from lightning import LightningDataModule
from rich.progress import track
from torch.utils.data import DataLoader, DistributedSampler, Sampler

from roilab.data.cache import ImageCache, image_key
from roilab.data.dataset import RoiDataset, TrainingItem, collate
from roilab.data.files import DataConfigError, Stage
from roilab.data.image_index import list_images
from roilab.data.sampler import UnrepeatedSampler
from roilab.data.settings import DataSettings
from roilab.data.split import split_by_event

log = logging.getLogger(__name__)


class RoiDataModule(LightningDataModule):
    """Training, validation and test batches of WCT frame files, with the keys of ``conf/data``.

    Raises:
        RoilabError: (its subclasses too) settings contradict each other.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = DataSettings(**settings)
        self.samples = [Path(folder).expanduser() for folder in self.settings.samples]
        self.cache = None if self.settings.cache is None else ImageCache(**self.settings.cache)
        self._datasets: dict[Stage, RoiDataset] = {}
        self._prepared = False

    def prepare_data(self) -> None:
        """Fill the cache before the training starts (in one process per machine)."""
        self.setup()
        if self.cache is None or self._prepared:
            return
        self._prepared = True
        for dataset in self._datasets.values():
            keys = [image_key(source, dataset.spec) for source in dataset.sources]
            missing = [i for i, key in enumerate(keys) if key not in self.cache]
            loader = DataLoader(
                dataset, batch_size=None, sampler=missing, num_workers=self.settings.num_workers
            )
            for _ in track(loader, "Preparing images", total=len(missing), disable=not missing):
                pass
        log.info(
            "cache %s holds %.2f GB of at most %g GB",
            self.cache.dir,
            self.cache.size_bytes() / 1e9,
            self.cache.max_bytes / 1e9,
        )

    def setup(self, stage: str | None = None) -> None:
        """List the images of every stage; their samples are not read yet."""
        if self._datasets:
            return
        settings = self.settings
        where = (settings.readout, settings.selection, settings.image_spec)
        pairs = settings.files.pairs()
        images = {stage: list_images(files, *where) for stage, files in pairs.items()}
        if "val" not in images:
            images["train"], images["val"] = split_by_event(
                images["train"], settings.val_fraction, settings.split_seed
            )
        for name, sources in images.items():
            if not sources:
                raise DataConfigError(
                    f"no image is left for {name} of the {sum(map(len, pairs.values()))} file "
                    f"pairs in {settings.files.dir}; check data.train_files, data.val_files and "
                    "data.test_files."
                )
            arguments = settings.image_spec, settings.truth_spec, settings.layer_scale, self.cache
            self._datasets[name] = RoiDataset(sources, *arguments)
        sizes = ", ".join(f"{len(data)} {name}" for name, data in self._datasets.items())
        log.info("images from %s: %s", settings.files.dir, sizes)

    def dataset(self, stage: Stage) -> RoiDataset:
        """Return the images of one stage, after ``setup``."""
        return self._datasets[stage]

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
        return self.settings.test_files is not None

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
        sampler: Sampler[int]
        if stage == "train":
            # Also for one process: the order is then the same with several processes, and after
            # a resumed epoch.
            sampler = DistributedSampler(dataset, size, rank, seed=settings.shuffle_seed)
        else:
            sampler = UnrepeatedSampler(len(dataset), rank, size)
        pin = torch.cuda.is_available() if settings.pin_memory is None else settings.pin_memory
        return DataLoader(
            dataset,
            batch_size=settings.batch_size,
            sampler=sampler,
            num_workers=settings.num_workers,
            persistent_workers=settings.num_workers > 0,
            pin_memory=pin,
            collate_fn=collate,
        )
