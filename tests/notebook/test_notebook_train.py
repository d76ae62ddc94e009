"""A training from a notebook: the run folder of the command, and the network."""

import json
import logging
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

import roilab
from roilab.entry_point import config_dir
from roilab.errors import RoilabError


@pytest.fixture
def overrides(light_arguments: list[str]) -> list[str]:
    """Overrides of the light training; its files are in ``user_conf``."""
    return light_arguments[2:]


def test_a_run_inside_another_hydra_application(
    overrides: list[str], tmp_path: Path, frames_dir: Path, user_conf: Path
) -> None:
    handlers, before = list(logging.getLogger().handlers), HydraConfig.initialized()
    with initialize_config_dir(str(config_dir() / "hydra"), version_base="1.2"):
        application = GlobalHydra.instance().hydra
        run = roilab.train([*overrides, "trainer.max_epochs=1"], config_dir=user_conf)
        assert GlobalHydra.instance().hydra is application
    assert HydraConfig.initialized() == before
    assert logging.getLogger().handlers == handlers
    assert run.folder == tmp_path / "run"
    names = {path.name for path in run.folder.iterdir()}
    assert names >= {"checkpoints", "csv", "train.log", ".hydra", "status.json"}
    status = json.loads((run.folder / "status.json").read_text())
    assert status["state"] == "finished"
    assert run.metrics == status["results"]["metrics"]
    assert "val/dice" in run.metrics
    # What roilab diff compares.
    assert set(status["versions"]) == {"roilab", "torch", "lightning", "timm"}
    assert "git_commit" in status
    assert status["results"]["data"]["train"] == {"files": 2, "events": 4, "images": 4}
    assert status["results"]["checkpoint"] == "checkpoints/best-epoch000.ckpt"
    assert "val/dice" in run._repr_html_()
    assert str(run.folder) in repr(run)

    detector = {name: {"channels": n} for name, n in (("u", 48), ("v", 48), ("w", 64))}
    frames = roilab.open(frames_dir / "g4-rec-0.h5", {**detector, "nticks": 480})
    roi = run.network(frames.plane("V"))
    again = roilab.load(run.folder / "checkpoints" / "best-epoch000.ckpt")(frames.plane("V"))
    np.testing.assert_array_equal(roi.probability, again.probability)
    assert run.network is run.network


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["data.rebni=10"], r"has no key data.rebni; did you mean data.rebin\?"),
        (["model=none"], "model=none: there is no such choice"),
        (["data.rebin=4,10"], "The configuration does not compose: .*multirun"),
        (["-m"], "-m is an option of the command line; expected KEY=VALUE only"),
        (["data.rebin=481"], "data.rebin=481 is not from 1 to 480, the number of ticks"),
        (["data.dir=nowhere"], "data.dir=nowhere: expected a folder that exists"),
    ],
)
def test_mistakes(
    overrides: list[str],
    user_conf: Path,
    more: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RoilabError, match=words) as error:
        roilab.train([*overrides, *more], config_dir=user_conf)
    assert "\n" not in str(error.value)
    assert "Error executing job" not in capsys.readouterr().err
    assert GlobalHydra.instance().hydra is None


def test_folder_of_another_run(
    overrides: list[str], user_conf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "best.ckpt").touch()
    with pytest.raises(RoilabError, match="run: holds a run already"):
        roilab.train(overrides, config_dir=user_conf)
    assert not capsys.readouterr().err


def test_interruption_by_the_notebook(
    overrides: list[str], user_conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(config: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("roilab.notebook.train.run_job", interrupt)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="interrupted by SIGINT"):
        roilab.train(overrides, config_dir=user_conf)
    assert signal.getsignal(signal.SIGINT) is before


def test_one_text_instead_of_a_list() -> None:
    with pytest.raises(RoilabError, match=r"expected a list: train\(\['data.rebin=4'\]\)"):
        roilab.train("data.rebin=4")
