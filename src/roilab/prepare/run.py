"""Prepare the images of all frame files of a data config, resumable."""

import logging
import math
import time
from pathlib import Path

from omegaconf import DictConfig

from roilab.building import build
from roilab.config.rules import count_slices
from roilab.console import text_console
from roilab.data import ImageCache, ImageSource, RoiDataModule, RoiDataset, list_images
from roilab.data.cache import image_key
from roilab.data.fill import fill_cache
from roilab.data.left_out import LeftOut
from roilab.data.prepared_set import (
    DESCRIPTION,
    PreparedSet,
    PreparedSetError,
    PreparedSource,
    check_settings,
    detector_name,
    image_settings,
    read_prepared_set,
)
from roilab.data.settings import DataSettings
from roilab.data.shards import LOCKS
from roilab.interruption import Interrupted

log = logging.getLogger(__name__)

_ADVICE = "Free space there, or choose another folder with output_dir=FOLDER."
_SUFFIXES = (".records", ".index")


def prepare(config: DictConfig) -> None:
    """Fill a folder with the prepared images of a data config, as ``conf/prepare.yaml`` says.

    Images that are in the folder already are checked and kept. Several jobs can fill one folder.

    Raises:
        RoilabError: (its subclasses too) any mistake that the user can correct.
    """
    began = time.perf_counter()
    module = build("data", config.data, cache=None)
    if not isinstance(module, RoiDataModule):
        raise PreparedSetError(
            f"data._target_={config.data._target_} is not a data module of frame files; only "
            "frames can be prepared. Choose data=pdhd or another of conf/data."
        )
    module.make_frames()
    settings, folder = module.settings, Path(config.output_dir).expanduser()
    before = _earlier(folder, settings)
    left_out = LeftOut()
    dataset = _images(settings, folder, left_out)
    if before is None:
        _describe(dataset, settings, left_out, complete=False).write(folder)
    else:
        _check_extends(before, _describe(dataset, settings, left_out, complete=True), folder)
    _fill(dataset, config.num_workers, left_out, settings.on_error == "skip")
    prepared = _describe(dataset, settings, left_out, complete=True)
    prepared.write(folder)
    _report(prepared, dataset, folder, time.perf_counter() - began)


def _earlier(folder: Path, settings: DataSettings) -> PreparedSet | None:
    """Return the set that a folder holds; ``None`` where it is empty or absent.

    Raises:
        PreparedSetError: it holds something else, or images of other settings.
    """
    if (folder / DESCRIPTION).is_file():
        prepared = read_prepared_set(folder)
        check_settings(prepared, settings, folder)
        return prepared
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    names = [path.name for path in found if path.suffix not in _SUFFIXES]
    others = [name for name in names if name != LOCKS and not name.startswith(".")]
    if others:
        raise PreparedSetError(
            f"{folder}: holds other files ('{others[0]}', ...); expected an empty or absent "
            "folder, or one that roilab prepare has written. Choose another output_dir."
        )
    return None


def _check_extends(before: PreparedSet, after: PreparedSet, folder: Path) -> None:
    """Check that a set holds all images of an earlier one, so that none is lost."""
    keys = {source.key for source in after.sources}
    lost = [source for source in before.sources if source.key not in keys]
    if lost:
        raise PreparedSetError(
            f"{folder}: holds {len(lost)} images of other frames, the first: {lost[0].name} of "
            f"{lost[0].pair.rec}; a file is absent, has changed, or is in another place. Choose "
            "another output_dir, or remove this folder."
        )


def _images(settings: DataSettings, folder: Path, left_out: LeftOut) -> RoiDataset:
    """Return the images of all files, which the folder is a cache of."""
    pairs = {pair for pairs in settings.files.pairs().values() for pair in pairs}
    where = (sorted(pairs), settings.readout, settings.selection, settings.image_spec)
    sources = list_images(*where, left_out.add if settings.on_error == "skip" else None)
    cache = ImageCache(folder, math.inf, _ADVICE)
    return RoiDataset(sources, settings.image_spec, settings.truth_spec, 1.0, cache)


def _fill(dataset: RoiDataset, num_workers: int, left_out: LeftOut, skip: bool) -> None:
    """Prepare the images that are absent; remove the sources of events that are left out."""
    assert dataset.cache is not None
    n_before = len(dataset) - len(dataset.absent())
    if n_before:
        log.info(
            "%s: %d of %d images are there and are checked",
            dataset.cache.dir,
            n_before,
            len(dataset),
        )
    try:
        indices = range(len(dataset))
        errors = fill_cache(dataset, indices, num_workers, "Preparing images", keep_errors=skip)
    except Interrupted as end:
        n_done = len(dataset) - len(dataset.absent())
        end.note = (
            f"{dataset.cache.dir}: {n_done} of {len(dataset)} images are prepared and kept. Run "
            "the same command again to continue."
        )
        raise
    if len(dataset.absent()) > len(errors):
        raise PreparedSetError(
            f"{dataset.cache.dir}: images were removed, or frames have changed, while they were "
            "prepared. Run the same command again."
        )
    for index, text in errors:
        left_out.add(dataset.sources[index].event_name, text)
    dataset.sources = left_out.remove(dataset.sources)
    if not dataset.sources:
        name, reason = next(iter(left_out.reasons.items()), ("", "there are no events"))
        raise PreparedSetError(
            f"{dataset.cache.dir}: no image could be prepared ({name}: {reason}). Correct data.dir "
            "or data.layers."
        )
    dataset.cache.shards.sync()


def _describe(
    dataset: RoiDataset, settings: DataSettings, left_out: LeftOut, complete: bool
) -> PreparedSet:
    def with_key(source: ImageSource) -> PreparedSource:
        return PreparedSource.of(source, image_key(source, dataset.spec))

    return PreparedSet(
        image_settings(settings),
        detector_name(settings),
        complete,
        [with_key(source) for source in dataset.sources] if complete else [],
        left_out.reasons,
    )


def _report(prepared: PreparedSet, dataset: RoiDataset, folder: Path, seconds: float) -> None:
    """Print what the folder holds."""
    assert dataset.cache is not None
    spec, shards = dataset.spec, dataset.cache.shards
    begin, end = spec.tick_range
    heights = {
        source.plane: sum(b - a for a, b in source.channel_ranges) // spec.channel_rebin
        for source in prepared.sources
    }
    width = count_slices(end - begin, spec.rebin)
    planes = ", ".join(f"{plane} ({height} x {width})" for plane, height in heights.items())
    size = f"{shards.size_bytes() / 1e6:.1f} MB (shards: {len(shards.sizes())})"
    lines = [
        f"{folder}: {prepared.events} events, {len(prepared.sources)} images, planes {planes}; "
        f"{len(spec.layers)} layers ({', '.join(spec.layers)}) and truth, rebin {spec.rebin}; "
        f"{size}; {seconds:.1f} s.",
    ]
    if prepared.left_out:
        lines.append(f"Left out: {', '.join(prepared.left_out)}.")
    lines.append(
        f"Train on them with data=prepared data.dir={folder} and the same detector, layers, rebin, "
        "ranges and truth tags."
    )
    for line in lines:
        text_console().print(line)
