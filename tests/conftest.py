"""Tiny frame files, made once, and the ways tests run the command line."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from roilab.frames import FrameWriter

CHANNELS = {"U": (0, 48), "V": (48, 96), "W": (96, 160)}
PER_APA = 160
TICKS = 480
START_NS, TICK_NS = -250e3, 500.0

# A data config of a user's own, as `--config-dir` adds it.
TINY_CONFIG = f"""
defaults: [base, _self_]
channel_ranges: {{U: [0, 48], V: [48, 96], W: [96, 160]}}
channels_per_apa: {PER_APA}
tick_range: [0, {TICKS}]
num_workers: 0
"""
TINY_NETWORK = """
defaults: [unet, _self_]
net: {encoder_widths: [4, 8, 8, 8, 8], decoder_widths: [8, 8, 4, 4]}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --slow"))


def event_frames(seed: int) -> dict[str, NDArray[np.float32]]:
    """One straight track and noise on (channel, tick); every tag, truth too."""
    rng = np.random.default_rng(seed)
    channel = np.arange(PER_APA)[:, None]
    tick = np.arange(TICKS)[None, :]
    centre = rng.uniform(0.2, 0.8) * TICKS + rng.uniform(-1, 1) * (channel - PER_APA / 2)
    truth = (1500 * np.exp(-((tick - centre) ** 2) / 50)).astype(np.float32)
    truth[truth < 1] = 0
    loose = truth + rng.normal(0, 200, truth.shape).astype(np.float32)
    mask = np.where(truth > 700, 4000, 0).astype(np.float32)
    return {
        "loose_lf": loose,
        "mp2_roi": mask,
        "mp3_roi": np.roll(mask, 3, axis=1),
        "gauss": np.where(truth > 500, loose, 0).astype(np.float32),
        "deposplat": truth,
    }


def write_pair(
    folder: Path, number: int, events: list[int], apa: int = 1, suffix: str = ".h5"
) -> None:
    """``g4-rec-N`` and ``g4-tru-N`` of one anode, with the ids of real files."""
    first = PER_APA * apa
    with (
        FrameWriter(folder / f"g4-rec-{number}{suffix}") as rec,
        FrameWriter(folder / f"g4-tru-{number}{suffix}") as tru,
    ):
        for event in events:
            for tag, samples in event_frames(1000 * number + event).items():
                writer = tru if tag == "deposplat" else rec
                channels = np.arange(first, first + PER_APA)
                writer.add(event, f"{tag}{apa}", samples, channels, START_NS, TICK_NS)


@pytest.fixture(scope="session")
def frames_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two file pairs, five events; only to be read."""
    folder = tmp_path_factory.mktemp("frames")
    write_pair(folder, 0, [100, 101, 102])
    write_pair(folder, 1, [110, 111])
    return folder


@pytest.fixture(scope="session")
def user_conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's config folder with data=tiny and model=tiny."""
    folder = tmp_path_factory.mktemp("conf")
    for group, text in (("data", TINY_CONFIG), ("model", TINY_NETWORK)):
        (folder / group).mkdir()
        (folder / group / "tiny.yaml").write_text(text)
    return folder


@pytest.fixture(scope="session")
def pdhd() -> Path:
    """Frames of the full toolkit, beside a developer's checkout."""
    folder = Path(__file__).parents[2] / "shared" / "pdhd"
    if not folder.is_dir():
        pytest.skip("the frames of the full Wire-Cell Toolkit are not beside this checkout")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROILAB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny_arguments(frames_dir: Path, user_conf: Path, tmp_path: Path) -> list[str]:
    """A training run of seconds, into tmp_path/run."""
    return [
        *("--config-dir", str(user_conf)),
        *("data=tiny", f"data.dir={frames_dir}", "model=tiny", "trainer=cpu", "logger=csv"),
        *("trainer.max_epochs=2", "trainer.precision=32-true", "callbacks.progress_bar=null"),
        *("callbacks.event_pictures.events=1", f"output_dir={tmp_path / 'run'}"),
    ]


@pytest.fixture
def run_train(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``python -m roilab.train`` in this process."""

    def run(*arguments: str) -> None:
        from roilab.train import main

        monkeypatch.setattr(sys, "argv", ["roilab.train", *arguments])
        main()

    return run


@pytest.fixture
def run_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A command line in a process of its own, from an empty folder."""

    def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
