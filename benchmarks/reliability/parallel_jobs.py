"""Several jobs at once on an empty cache and in one folder."""

import hashlib
import multiprocessing
import os
from pathlib import Path
from typing import Any

from finding import NETWORK, SIMULATION, TRAINING, Finding, make_sample, start
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from interruptions import sample_result, training_result

from roilab.data import dataset
from roilab.data.shards import Shards
from roilab.entry_point import config_dir


def parallel_jobs(count: int, top: Path) -> Finding:
    """Fill an empty cache with ``count`` jobs at once; start two commands in one folder."""
    frames = make_sample(top / "frames")
    faults, images = _fill_cache(count, frames, top)
    more = _two_in_one_folder(frames, top)
    tried = (
        f"{count} jobs on an empty cache of {images} images; two trainings and two simulations in "
        "one folder at the same time"
    )
    outcome = (
        "each image prepared once, equal images; one of two commands runs, the other is refused by "
        "one sentence"
    )
    return Finding(tried, outcome if not faults + more else "not all as expected", faults + more)


def prepare_images(frames: str, cache: str, marks: str) -> str:
    """Prepare all images of a sample through a cache; return a checksum of all of them.

    Each preparation leaves a file in the folder ``marks``.
    """
    prepare = dataset.prepare_image

    def counted(source: Any, spec: Any) -> Any:
        name = f"{hashlib.sha256(source.name.encode()).hexdigest()}-{os.getpid()}"
        (Path(marks) / name).touch()
        return prepare(source, spec)

    dataset.prepare_image = counted
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        arguments = [f"data.dir={frames}", "data.num_workers=0", f"data.cache.dir={cache}"]
        config = compose("train", ["data=small", *NETWORK, *arguments])
    data = instantiate(config.data)
    data.prepare_data()
    checksum = hashlib.sha256()
    for stage in data.stages:
        images = data.dataset(stage)
        for index in range(len(images)):
            checksum.update(images.prepared(index).tobytes())
    return checksum.hexdigest()


def _fill_cache(count: int, frames: Path, top: Path) -> tuple[list[str], int]:
    """Return the faults, and the number of images."""
    marks = top / "marks"
    marks.mkdir()
    arguments = (str(frames), str(top / "images"), str(marks))
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        checksums = pool.starmap(prepare_images, [arguments] * count, chunksize=1)
    names = [path.name.partition("-")[0] for path in marks.iterdir()]
    images = Shards(top / "images")
    images.refresh()
    stored = len(images)
    faults = []
    if len(names) != len(set(names)) or stored != len(names):
        faults.append(f"{len(names)} preparations of {len(set(names))} images, {stored} stored")
    if len(set(checksums)) != 1:
        faults.append("the jobs have different images")
    return faults, len(set(names))


def _two_in_one_folder(frames: Path, top: Path) -> list[str]:
    training = (*TRAINING, "trainer.max_epochs=2", f"data.dir={frames}")
    commands = {
        "train": (training, training_result),
        "simulate": (SIMULATION, sample_result),
    }
    faults = []
    for verb, (arguments, result) in commands.items():
        folder = top / f"one-{verb}"
        processes = [start(verb, *arguments, f"output_dir={folder}") for _ in range(2)]
        errors = [process.communicate()[1] for process in processes]
        codes = [process.returncode for process in processes]
        # A second one that starts late may find all complete, or the folder in use.
        if 0 not in codes or set(codes) - {0, 1} or any("Traceback" in text for text in errors):
            faults.append(f"two of {verb}: exit codes {codes}. {errors}")
        refused = [text for code, text in zip(codes, errors, strict=True) if code]
        if any("in use" not in text and "holds a run" not in text for text in refused):
            faults.append(f"two of {verb}: not refused for the folder: {refused}")
        result(folder)  # complete and readable
    return faults
