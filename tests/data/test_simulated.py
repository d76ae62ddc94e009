"""Data that are simulated on first use, with samples of known angle."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from roilab.entry_point import config_dir


@pytest.fixture
def simulated(tmp_path: Path) -> Any:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose(
            "train",
            [
                "data.simulation.events=2",
                "data.simulated_samples.tracks.events=1",
                "data.simulated_samples.showers=null",
                f"data.dir={tmp_path / 'few'}",
                "data.num_workers=0",
                "seed=1",
            ],
        )
    return instantiate(config.data)


def test_samples_are_simulated_next_to_the_training_events(simulated: Any, tmp_path: Path) -> None:
    assert simulated.samples == [tmp_path / "few_tracks"]
    simulated.prepare_data()
    for folder in ("few", "few_tracks"):
        assert (tmp_path / folder / "meta.json").is_file()
        assert (tmp_path / folder / "g4-rec-0.h5").is_file()
    written = (tmp_path / "few" / "meta.json").stat().st_mtime_ns
    simulated.prepare_data()
    assert (tmp_path / "few" / "meta.json").stat().st_mtime_ns == written
