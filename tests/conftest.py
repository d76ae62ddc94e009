"""Fixtures: tiny frame files (made once) and ways to run the command line."""

import gc
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource

from browser import Page, headless_chromium
from known_tracks import write_sample
from tiny_frames import TICKS, write_pair

# A user's configs, added by `--config-dir`.
TINY_CONFIG = """
defaults: [base, _self_, {override /detector@_global_.detector: tiny}]
num_workers: 0
"""
# Only what reading frames needs: no geometry.
TINY_DETECTOR = (
    f"{{u: {{channels: 48}}, v: {{channels: 48}}, w: {{channels: 64}}, nticks: {TICKS}}}"
)
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


def pytest_collection_finish() -> None:
    """Leave the imported modules out of garbage collections, and make these rare.

    Every composed configuration and every training makes some; they take a quarter of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def frames_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of two file pairs with five events; read only."""
    folder = tmp_path_factory.mktemp("frames")
    write_pair(folder, 0, [100, 101, 102])
    write_pair(folder, 1, [110, 111])
    return folder


@pytest.fixture(scope="session")
def tracks_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sample of two tracks at 0 and one at 80 degrees; read only."""
    folder = tmp_path_factory.mktemp("tracks")
    all_channels = slice(48, 96)
    write_sample(folder, [
        {"theta_xz": 0, "channels": all_channels, "dead": 0},
        {"theta_xz": 0, "channels": all_channels, "dead": 24},
        {"theta_xz": 80, "channels": slice(60, 64), "dead": 1},
    ])  # fmt: skip
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """TorchScript file of the known network."""
    from known_network import METADATA, AboveThreshold
    from roilab.wirecell.torchscript import save_torchscript  # torch takes seconds to import

    save_torchscript(AboveThreshold(), tmp_path / "model.ts", METADATA)
    return tmp_path / "model.ts"


@pytest.fixture(scope="session")
def user_conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a user's config folder with data=tiny, detector=tiny and model=tiny."""
    folder = tmp_path_factory.mktemp("conf")
    files = {"data": TINY_CONFIG, "detector": TINY_DETECTOR, "model": TINY_NETWORK}
    for group, text in files.items():
        (folder / group).mkdir()
        (folder / group / "tiny.yaml").write_text(text)
    return folder


@pytest.fixture(scope="session")
def pdhd() -> Path:
    """Frames made by the Wire-Cell Toolkit, in ../shared next to the repository."""
    folder = Path(__file__).parents[2] / "shared" / "pdhd"
    if not folder.is_dir():
        pytest.skip("no frames of the Wire-Cell Toolkit in ../shared")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _parse_configuration_once() -> Iterator[None]:
    """Keep the parsed files of conf/: Hydra parses all of them again for every composition."""
    Plugins.instance()  # registers the class, which is not that of an import before
    source = SourcesRegistry.instance().resolve("file")
    parsed: dict[tuple[object, ...], bytes] = {}
    load = source.load_config

    def load_once(self: ConfigSource, config_path: str) -> ConfigResult:
        path = Path(self.path, self._normalize_file_name(config_path))
        if not path.is_file():
            return load(self, config_path)
        key = (path, self.provider, path.stat().st_mtime_ns, path.stat().st_size)
        if key not in parsed:
            parsed[key] = pickle.dumps(load(self, config_path))
        # A copy, because Hydra changes what it is given.
        result: ConfigResult = pickle.loads(parsed[key])
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "load_config", load_once)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_optimisation_of_torchscript() -> Iterator[None]:
    """Run exported files as they are: to optimise one, at its second image, takes seconds.

    ``optimised`` turns it on again.
    """
    import torch

    with torch.jit.optimized_execution(False):
        yield


@pytest.fixture
def optimised() -> Iterator[None]:
    """Let TorchScript optimise modules, as everywhere outside the tests."""
    import torch

    with torch.jit.optimized_execution(True):
        yield


@pytest.fixture(autouse=True)
def _no_debugger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Hydra print errors and exit under coverage too, which it takes for a debugger."""
    monkeypatch.setattr("hydra._internal.utils.is_under_debugger", lambda: False)


@pytest.fixture(autouse=True)
def _loggers_as_found() -> Iterator[None]:
    """Let no test, and no command, leave a logger of roilab silent for what follows."""
    yield
    for name, logger in logging.getLogger().manager.loggerDict.items():
        if name.startswith("roilab") and isinstance(logger, logging.Logger):
            assert not logger.disabled, f"{name} was disabled"
            assert logger.level == logging.NOTSET, f"the level of {name} was left changed"


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROILAB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny_arguments(frames_dir: Path, user_conf: Path, tmp_path: Path) -> list[str]:
    """Arguments of a training of seconds into tmp_path/run."""
    return [
        *("--config-dir", str(user_conf)),
        *("data=tiny", f"data.dir={frames_dir}", "model=tiny", "trainer=cpu", "logger=csv"),
        *("trainer.max_epochs=2", "trainer.precision=32-true", "callbacks.progress_bar=null"),
        *("callbacks.event_pictures.events=1", f"output_dir={tmp_path / 'run'}"),
    ]


@pytest.fixture
def light_arguments(tiny_arguments: list[str]) -> list[str]:
    """The same training without export, pictures and page, which take most of its time."""
    names = ("export", "event_pictures", "best_worst_events", "loss_curves")
    kept = [a for a in tiny_arguments if not a.startswith("callbacks.event_pictures")]
    return [*kept, *(f"callbacks.{name}=null" for name in names), "report=false"]


@pytest.fixture
def sweep_arguments(light_arguments: list[str]) -> list[str]:
    """The same for a sweep, whose jobs have folders inside ``sweep.dir``."""
    return [one for one in light_arguments if not one.startswith("output_dir=")]


@pytest.fixture
def run_train(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run ``python -m roilab.train`` in this process."""

    def run(*arguments: str) -> None:
        from roilab.train.__main__ import main

        monkeypatch.setattr(sys, "argv", ["roilab.train", *arguments])
        main()

    return run


@pytest.fixture
def run_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a new process, from an empty folder."""

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


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Headless Chromium, started once; tests are skipped if it is not installed."""
    with headless_chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page
