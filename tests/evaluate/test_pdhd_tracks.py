"""Known numbers on frames of the full toolkit."""

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from roilab.detectors.readout import Readout
from roilab.entry_point import config_dir
from roilab.evaluate.evaluator import Evaluator
from roilab.evaluate.methods import Gauss, Method, ideal
from roilab.evaluate.sample import read_sample


def test_ideal_and_gauss(pdhd: Path) -> None:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        given = ["data=pdhd", "data.dir=none", "sample=none", "output_dir=none"]
        config = compose("evaluate", given)
    data: Any = OmegaConf.to_container(config.data, resolve=True)
    physics = instantiate(config.physics)
    # Bias [%] by rebin and padding in bins, at 0 degrees; the threshold is 100 e.
    known = {(10, 0): -39, (10, 1): 6, (10, 3): 17, (4, 0): -2.4}
    methods: list[Method] = [ideal(physics, rebin, 100, pad, "bins") for rebin, pad in known]
    methods.append(Gauss(physics.gauss))
    evaluator = Evaluator(methods, physics, Readout.from_config(data), None)
    images = read_sample(pdhd / "tracks", evaluator.readout, evaluator.tags, ["V"])
    chosen = [image for image in images if image.theta_xz in (0, 80)]
    flat, steep = evaluator(chosen)
    assert [row["bias"] for row in flat[:-1]] == pytest.approx([*known.values()], abs=0.5)
    assert flat[-1]["bias"] == pytest.approx(1.1, abs=0.1)
    assert steep[-1]["bias"] == pytest.approx(-65, abs=1)
    assert steep[-1]["inefficiency"] == pytest.approx(26, abs=1)
    assert all(row["inefficiency"] == 0 for row in (*flat, *steep[:-1]))
