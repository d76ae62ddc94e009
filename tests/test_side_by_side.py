"""Commands that run at once: on an empty cache, and in one folder."""

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from roilab.data import dataset
from roilab.data.shards import Shards
from roilab.entry_point import config_dir
from roilab.folder_lock import FolderError
from roilab.frames import open_frames
from roilab.simulate import chain, make_sample

JOBS = 3


def at_once(work: Callable[[int], None]) -> list[int | None]:
    """Run ``work(number)`` in forked processes; return their exit codes."""
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=work, args=(number,)) for number in range(JOBS)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(60)
    return [job.exitcode for job in jobs]


def test_an_empty_cache(
    frames_dir: Path, user_conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every image is prepared by one job, and all jobs read the same."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        search = f"hydra.searchpath=[file://{user_conf}]"
        config = compose("train", [search, "data=tiny", f"data.dir={frames_dir}"]).data
    prepare, marks = dataset.prepare_image, tmp_path / "marks"
    marks.mkdir()

    def slow(source: Any, spec: Any) -> Any:
        (marks / f"{source.name}, process {os.getpid()}").touch()
        time.sleep(0.05)
        return prepare(source, spec)

    monkeypatch.setattr(dataset, "prepare_image", slow)

    def fill(number: int) -> None:
        data = instantiate(config)
        data.prepare_data()
        images = [data.dataset(stage).prepared(0) for stage in ("train", "val")]
        np.savez(tmp_path / f"{number}.npz", *images)

    assert at_once(fill) == [0] * JOBS
    prepared = sorted(path.name.split(", ")[0] for path in marks.iterdir())
    assert len(prepared) == len(set(prepared)) == 5
    images = Shards(tmp_path / "cache" / "images")
    images.refresh()
    assert len(images) == 5
    first, *others = (np.load(tmp_path / f"{number}.npz") for number in range(JOBS))
    for other in others:
        for name in first:
            np.testing.assert_array_equal(other[name], first[name])


def test_simulations_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One simulates; the others are refused, or come when all is complete."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        overrides = ["simulation=demo_tracks", "simulation.events=1", "simulation.planes=[v]"]
        config = compose("simulate", overrides).simulation
    settings: Any = OmegaConf.to_container(config, resolve=True)
    simulate, marks = chain.Simulation.simulate_frames, tmp_path / "marks"
    marks.mkdir()

    def marked(self: Any, event: Any, index: int, *others: Any) -> Any:
        (marks / f"{index}, process {os.getpid()}").touch()
        return simulate(self, event, index, *others)

    monkeypatch.setattr(chain.Simulation, "simulate_frames", marked)

    def work(number: int) -> None:
        try:
            make_sample(settings, tmp_path / "sample", progress=False)
        except FolderError as error:
            os._exit(7 if ": in use" in str(error) else 8)  # the owner may not be written yet

    codes = at_once(work)
    assert 0 in codes
    assert set(codes) <= {0, 7}
    assert len(list(marks.iterdir())) == 1
    with open_frames(tmp_path / "sample" / "g4-rec-0.h5") as frames:
        assert len(frames.events) == 1
    assert not list((tmp_path / "sample").glob(".*.partial*"))
