"""Frame files of a folder as training, validation and test batches."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import LightningDataModule
from rich.progress import track
from torch.utils.data import DataLoader, DistributedSampler, Sampler

from roilab.data.cache import ImageCache, image_key
from roilab.data.dataset import RoiDataset, Sample, TargetRecipe, collate
from roilab.data.image_index import ImageRecipe, ImageSource, PlaneSelection, list_images
from roilab.data.images import PadUnit, check_rebin
from roilab.data.sampler import EachOnce
from roilab.data.split import split_by_event
from roilab.errors import RoilabError
from roilab.frames import FilePair, match_files

log = logging.getLogger(__name__)

Stage = Literal["train", "val", "test"]


class DataConfigError(RoilabError):
    """Settings of the data config that do not fit together."""


class RoiDataModule(LightningDataModule):
    """Samples of WCT frame files; every argument is a key of ``conf/data``.

    Args:
        dir: folder of the frame files.
        rec: pattern of the reconstruction files; the ``*`` pairs them with ``tru``.
        tru: pattern of the truth files.
        train_files: names (or patterns) of reconstruction files to train on, in ``dir`` or, with
            a path, elsewhere; ``None`` for all in ``dir`` that the others do not name.
        val_files: the same for validation; ``None`` to split the training events.
        test_files: the same for test; ``None`` for no test.
        judged_samples: folders of tracks or showers of known angle, each with a ``meta.json``,
            which the callback ``PhysicsMetrics`` judges the network on.
        val_fraction: part of the training events split off where ``val_files`` is ``None``.
        split_seed: of that split.
        shuffle_seed: of the order of training images, which every epoch has its own of.
        layers: input tags without APA number, in the network's order.
        truth: truth tags; the first that a file has is taken.
        planes: names of the planes to take, each its own image.
        stack: join the planes along the channel axis as one image.
        channel_range: instead of the detector's range of the one plane named in ``planes``.
        apas: anode numbers; ``None`` for all in the files.
        channel_ranges: the detector's half-open channel range of every plane, relative to the
            anode's first channel.
        channels_per_apa: how far apart the channel ids of two anodes lie.
        first_channel: id of the anode's first channel; ``None`` to see from the files.
        tick_range: half-open range of ticks.
        rebin: ticks per slice.
        channel_rebin: channels per row.
        normalization: ``scalar`` (``input_scale``) or ``layer`` (mean and width of every layer
            over the training events, held by the network's module).
        input_scale: scalar on the charge, with ``scalar``.
        threshold: of the truth mask [electrons/tick], strict.
        pad: how far the truth mask is extended in time.
        pad_unit: ``bins`` or ``ticks``.
        batch_size: images per batch.
        num_workers: processes that load batches.
        pin_memory: ``None`` for: where there is a GPU.
        cache: arguments of ``ImageCache``, where prepared images are kept; ``None`` to read the
            frames every time.

    Raises:
        RoilabError: (its subclasses too) settings that do not fit together.
    """

    def __init__(
        self,
        *,
        dir: str,
        rec: str,
        tru: str,
        train_files: Sequence[str] | None,
        val_files: Sequence[str] | None,
        test_files: Sequence[str] | None,
        judged_samples: Sequence[str],
        val_fraction: float,
        split_seed: int,
        shuffle_seed: int,
        layers: Sequence[str],
        truth: Sequence[str],
        planes: Sequence[str],
        stack: bool,
        channel_range: tuple[int, int] | None,
        apas: Sequence[int] | None,
        channel_ranges: Mapping[str, tuple[int, int]],
        channels_per_apa: int,
        first_channel: int | None,
        tick_range: tuple[int, int],
        rebin: int,
        channel_rebin: int,
        normalization: Literal["scalar", "layer"],
        input_scale: float,
        threshold: float,
        pad: int,
        pad_unit: PadUnit,
        batch_size: int,
        num_workers: int,
        pin_memory: bool | None,
        cache: Mapping[str, Any] | None,
    ) -> None:
        super().__init__()
        self.dir = Path(dir).expanduser()
        self.patterns = (rec, tru)
        self.files = {"train": train_files, "val": val_files, "test": test_files}
        self.judged_samples = [Path(folder).expanduser() for folder in judged_samples]
        self.val_fraction, self.split_seed = val_fraction, split_seed
        self.shuffle_seed = shuffle_seed
        ranges = _plane_ranges(planes, channel_range, channel_ranges)
        check_rebin(tick_range[1] - tick_range[0], rebin)
        for begin, end in ranges.values():
            check_rebin(end - begin, channel_rebin, "data.channel_rebin", "channels")
        _check_choice("data.normalization", normalization, ("scalar", "layer"))
        _check_choice("data.pad_unit", pad_unit, ("bins", "ticks"))
        self.selection = PlaneSelection(
            ranges, stack, tuple(str(a) for a in apas or ()), channels_per_apa, first_channel
        )
        begin, end = tick_range
        self.recipe = ImageRecipe(tuple(layers), tuple(truth), (begin, end), rebin, channel_rebin)
        self.normalization = normalization
        scale = input_scale if normalization == "scalar" else 1.0
        self.target = TargetRecipe(scale, threshold, pad, pad_unit)
        self.batch_size, self.num_workers = batch_size, num_workers
        self.pin_memory = torch.cuda.is_available() if pin_memory is None else pin_memory
        self.cache = None if cache is None else ImageCache(**cache)
        self._datasets: dict[Stage, RoiDataset] = {}
        self._prepared = False

    def prepare_data(self) -> None:
        """Fill the cache, so that training does not wait for it (runs in one process a machine)."""
        self.setup()
        if self.cache is None or self._prepared:
            return
        self._prepared = True
        for dataset in self._datasets.values():
            keys = [image_key(source, self.recipe) for source in dataset.sources]
            missing = [i for i, key in enumerate(keys) if key not in self.cache]
            loader = DataLoader(
                dataset, batch_size=None, sampler=missing, num_workers=self.num_workers
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
        """List the images of every stage; nothing of their samples is read yet."""
        if self._datasets:
            return
        pairs = match_files(self.dir, *self.patterns)
        named = {name: self._named(pairs, name) for name in ("train", "val", "test")}
        rest = [p for p in pairs if p not in named["val"] + named["test"]]
        train = self._images(named["train"] if self.files["train"] is not None else rest)
        if self.files["val"] is None:
            train, val = split_by_event(train, self.val_fraction, self.split_seed)
        else:
            val = self._images(named["val"])
        stages: dict[Stage, list[ImageSource]] = {"train": train, "val": val}
        if named["test"]:
            stages["test"] = self._images(named["test"])
        for name, sources in stages.items():
            if not sources:
                raise DataConfigError(
                    f"no image is left for {name} of the {len(pairs)} file pairs in {self.dir}; "
                    f"check data.train_files, data.val_files and data.test_files."
                )
            self._datasets[name] = RoiDataset(sources, self.recipe, self.target, self.cache)
        log.info(
            "images from %s: %s",
            self.dir,
            ", ".join(f"{len(data)} {name}" for name, data in self._datasets.items()),
        )

    def dataset(self, stage: Stage) -> RoiDataset:
        """The images of one stage, after ``setup``."""
        return self._datasets[stage]

    @property
    def has_test(self) -> bool:
        """Whether test files are named."""
        return self.files["test"] is not None

    def layer_statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and width (standard deviation) of every layer over the training images.

        Returns:
            Two tensors of shape (layer,), in electrons per tick.
        """
        dataset = self.dataset("train")
        sums = torch.zeros(2, len(self.recipe.layers), dtype=torch.float64)
        pixels = 0
        for index in range(len(dataset)):
            layers = torch.from_numpy(dataset.prepared(index)[:-1]).double()
            sums += torch.stack([layers.sum((1, 2)), layers.square().sum((1, 2))])
            pixels += layers[0].numel()
        mean = sums[0] / pixels
        width = (sums[1] / pixels - mean.square()).clamp(min=0).sqrt()
        return mean.float(), torch.where(width > 0, width, 1.0).float()

    def train_dataloader(self) -> DataLoader[Sample]:
        """Shuffled batches of the training images."""
        return self._loader("train")

    def val_dataloader(self) -> DataLoader[Sample]:
        """Batches of the validation images, in order."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[Sample]:
        """Batches of the test images, in order."""
        return self._loader("test")

    def _named(self, pairs: Sequence[FilePair], stage: str) -> list[FilePair]:
        """The file pairs whose reconstruction file is named for a stage."""
        chosen: list[FilePair] = []
        for pattern in self.files[stage] or ():
            path = Path(pattern).expanduser()
            elsewhere = path.parent != Path()
            there = match_files(path.parent, *self.patterns) if elsewhere else pairs
            found = [pair for pair in there if pair.rec.match(path.name)]
            if not found:
                raise DataConfigError(
                    f"data.{stage}_files: '{pattern}' is none of the reconstruction files in "
                    f"{path.parent if elsewhere else self.dir} "
                    f"({', '.join(pair.rec.name for pair in there)}); name one of these."
                )
            chosen += [pair for pair in found if pair not in chosen]
        return chosen

    def _images(self, pairs: Sequence[FilePair]) -> list[ImageSource]:
        return list_images(pairs, self.selection, self.recipe)

    def _loader(self, stage: Stage) -> DataLoader[Sample]:
        dataset = self.dataset(stage)
        trainer = self.trainer
        rank, size = (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)
        sampler: Sampler[int]
        if stage == "train":
            # One process too: its order is that of several, and of an epoch not resumed.
            sampler = DistributedSampler(dataset, size, rank, seed=self.shuffle_seed)
        else:
            sampler = EachOnce(len(dataset), rank, size)
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=self.pin_memory,
            collate_fn=collate,
        )


def _plane_ranges(
    planes: Sequence[str],
    channel_range: tuple[int, int] | None,
    channel_ranges: Mapping[str, tuple[int, int]],
) -> dict[str, tuple[int, int]]:
    """Channel ranges of the chosen planes, relative to the anode's first channel."""
    for plane in planes:
        _check_choice("data.planes", plane, tuple(channel_ranges))
    if channel_range is None:
        return {plane: (channel_ranges[plane][0], channel_ranges[plane][1]) for plane in planes}
    if len(planes) != 1 or not 0 <= channel_range[0] < channel_range[1]:
        raise DataConfigError(
            f"data.channel_range={list(channel_range)} with data.planes={list(planes)}; expected "
            "a range [first, last + 1] and exactly one plane to name it. Name one plane."
        )
    return {planes[0]: (channel_range[0], channel_range[1])}


def _check_choice(key: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise DataConfigError(f"{key}: got '{value}'; expected one of {', '.join(choices)}.")
