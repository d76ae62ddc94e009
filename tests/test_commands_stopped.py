"""Commands that a full disk or a signal stops: one message, no partial file.

A limit on the size of a file stands for the full disk: the system gives a similar error.
``--slow`` tries the commands in new processes, on a file system that becomes full.
"""

import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch.loggers import CSVLogger
from omegaconf import OmegaConf

from known_network import fails
from roilab import atomic_write
from roilab.entry_point import config_dir
from roilab.inference import TrainedNetwork
from roilab.log_file import LogFile
from run_folders import write_run

Run = Callable[..., None]
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGUSR1: 138}
LIMIT = 20_000  # bytes


@pytest.fixture
def checkpoint(user_conf: Path, tmp_path: Path) -> Path:
    """A checkpoint of a small network with random weights."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        search = f"hydra.searchpath=[file://{user_conf}]"
        config = compose("train", [search, "data=tiny", "data.dir=x", "model=tiny", "run_dir=x"])
    recipe: Any = OmegaConf.to_container(config, resolve=True)
    state = TrainedNetwork(recipe).state_dict()
    path = tmp_path / "a.ckpt"
    torch.save({"roilab_recipe": recipe, "state_dict": state, "epoch": 0}, path)
    return path


@pytest.fixture
def commands(
    checkpoint: Path, model: Path, frames_dir: Path, tracks_dir: Path, user_conf: Path,
    tmp_path: Path, light_arguments: list[str],
) -> dict[str, list[str]]:  # fmt: skip
    """Arguments of commands that write into tmp_path/out; after a space, what is special."""
    conf, out = ["--config-dir", str(user_conf)], f"output_dir={tmp_path / 'out'}"
    training = [one for one in light_arguments if not one.startswith("output_dir=")]
    write_run(tmp_path / "run", [0.5, 0.4], {"data.rebin": 10})
    return {
        "simulate": ["simulation=demo_tracks", "simulation.events=1", out],
        "simulate npz": [
            *("simulation=demo_tracks", "simulation.events=1", "simulation.containers=[npz]", out)
        ],
        "train cache": [*training, out],
        "train checkpoint": [*training, "data.cache=null", out],
        "prepare": [*conf, "data=tiny", f"data.dir={frames_dir}", out],
        "convert": [f"frames={frames_dir / 'g4-rec-0.h5'}", "container=npz", out],
        "export": [f"network={checkpoint}", out],
        "predict": [*conf, f"network={model}", f"frames={tracks_dir}", "detector=tiny", out],
        "evaluate": [*conf, f"network={model}", "data=tiny", f"sample={tracks_dir}", out],
        "display": [
            *(*conf, "data=tiny", "data.dir=none", f"rec={frames_dir / 'g4-rec-0.h5'}"),
            *(f"network={model}", "display.pictures=[display]", out),
        ],
        "benchmark": [*conf, "data=tiny", "data.dir=null", "models=[tiny]", "rebin=[10]", out],
        "report": [str(tmp_path / "run")],
    }  # fmt: skip


@pytest.fixture
def run_verb(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``python -m roilab.VERB`` in this process."""

    def run(verb: str, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", [f"roilab.{verb}", *arguments])
        # Those of a command before write to a stream that is closed.
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        code = import_module(f"roilab.{verb}.__main__").main()
        sys.exit(code if isinstance(code, int) else 0)

    return run


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let no file of this process become larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def partial_files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*.partial*")]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("simulate", "out/g4-rec-0.h5"),
        ("simulate npz", "out/g4-rec-0.npz"),
        ("train cache", "cache/images: a prepared image cannot be stored"),
        ("train checkpoint", "out/checkpoints/"),
        ("prepare", "out: a prepared image cannot be stored"),
        ("convert", "out/g4-rec-0.npz"),
        ("export", "out/model.ts"),
        ("predict", "out/g4-dnn-0.h5"),
        ("evaluate", "out/evaluation.json"),
        ("display", "out/g4-rec-0-event100-apa1-V-display.png"),
        ("report", "/run/"),
    ],
)
def test_a_full_disk(
    name: str,
    file: str,
    commands: dict[str, list[str]],
    run_verb: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # What refuses the command before it begins has a test of its own below.
    monkeypatch.setattr("roilab.sweep.output_folder.check_space", lambda *_: None)
    earlier = tmp_path / "run" / "report.html"
    earlier.write_text("earlier")
    with largest_file(LIMIT // 4 if name == "report" else LIMIT):  # its page is small
        err = fails(run_verb, capsys, name.partition(" ")[0], *commands[name])
    (line,) = {line for line in err.splitlines() if "no space is left" in line}
    assert file in line
    assert "Free space there, " in line
    assert partial_files(tmp_path) == []
    assert earlier.read_text() == "earlier"


def test_a_full_disk_before_the_first_step(
    commands: dict[str, list[str]],
    run_verb: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with largest_file(LIMIT):
        err = fails(run_verb, capsys, "train", *commands["train cache"])
    assert err.startswith(f"{tmp_path / 'out'}: cannot be written: no space is left")
    assert not (tmp_path / "out" / ".hydra").exists()


def test_a_log_on_a_full_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler, logger = LogFile(tmp_path / "a.log"), logging.Logger("a")
    logger.addHandler(handler)
    logger.info("first")
    with largest_file(6):
        for _ in range(3):
            logger.info("more")
    handler.close()
    err = capsys.readouterr().err
    assert err.startswith(f"{tmp_path / 'a.log'}: the log cannot be written (File too large)")
    assert err.count("\n") == 1
    assert (tmp_path / "a.log").read_text().startswith("first\n")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *(("evaluate", signal.SIGTERM), ("export", signal.SIGINT), ("predict", signal.SIGUSR1)),
        *(("display", signal.SIGINT), ("benchmark", signal.SIGUSR1), ("report", signal.SIGTERM)),
        *(("prepare", signal.SIGTERM), ("convert", signal.SIGINT)),
    ],
)
def test_a_signal_while_a_file_is_written(
    name: str,
    number: signal.Signals,
    commands: dict[str, list[str]],
    run_verb: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sync, sent = atomic_write.sync, []

    def send(path: Path) -> None:
        if ".partial" in path.name and ".lock" not in path.name and not sent:
            assert path.stat().st_size > 0
            sent.append(path.name)
            os.kill(os.getpid(), number)
        sync(path)

    monkeypatch.setattr(atomic_write, "sync", send)
    monkeypatch.setattr("roilab.sweep.output_folder.check_space", lambda *_: None)
    # The measurement takes a process and seconds; its table is written all the same.
    monkeypatch.setattr(
        "roilab.benchmark.costs.run_in_subprocess", lambda *_: os.kill(os.getpid(), number)
    )
    with pytest.raises(SystemExit) as ended:
        run_verb(name, *commands[name])
    assert ended.value.code == CODES[number]
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith(f"interrupted by {number.name}")
    assert err.count("interrupted by") == 1
    assert "Traceback" not in err
    assert sent or name == "benchmark"
    assert partial_files(tmp_path) == []
    assert signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


def test_a_signal_while_a_training_logs_its_settings(
    commands: dict[str, list[str]],
    run_verb: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def close(logger: CSVLogger, status: str) -> None:
        raise RuntimeError("half begun")  # as a package is whose import the signal has ended

    monkeypatch.setattr(
        CSVLogger, "log_hyperparams", lambda *_: os.kill(os.getpid(), signal.SIGTERM)
    )
    monkeypatch.setattr(CSVLogger, "finalize", close)
    with pytest.raises(SystemExit) as ended:
        run_verb("train", *commands["train checkpoint"])
    assert ended.value.code == CODES[signal.SIGTERM]
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("interrupted by SIGTERM")
    assert "CsvLogger: the log could not be closed (half begun)" in err.replace("\n", " ")
    assert "Traceback" not in err
