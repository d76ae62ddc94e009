"""Completion: the candidates, and the scripts in the shells that are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import roilab
from roilab.cli import VERBS, main
from roilab.command_line.completion import PATH_KEYS, SCRIPTS, candidates
from roilab.command_line.keys import Command, ConfFolders, config_dir


def complete(*words: str) -> list[str]:
    return candidates(words, VERBS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tr"], ["train"]),
        (["train", "data.reb"], ["data.rebin="]),
        (["train", "data.cac"], ["data.cache."]),
        (["train", "mod"], ["model=", "model."]),
        (["train", "model=mo"], ["model=mobilenetv2", "model=mobilenetv3"]),
        (["train", "-m", "model=unet,ures"], ["model=unet,uresnet"]),
        (["train", "data.stack="], ["data.stack=true", "data.stack=false"]),
        (["train", "data.rebin="], ["data.rebin=10"]),
        (["train", "loss=focal", "loss.ga"], ["loss.gamma="]),
        (["train", "loss.ga"], []),
        (["train", "--help", "data.reb"], ["data.rebin"]),
        (["train", "--cfg", "j"], ["job"]),
        (["train", "--config-d"], ["--config-dir"]),
        (["train", "run_d"], []),
        (["train", "hyd"], []),
        (["simulate", "simulation/n"], ["simulation/noise="]),
        (["simulate", "simulation/noise=c"], ["simulation/noise=coherent"]),
        (["completion", "z"], ["zsh"]),
        (["nonsense", "nowhere/x"], []),
    ],
)
def test_candidates(words: list[str], expected: list[str]) -> None:
    assert complete(*words) == expected


def test_all_verbs_and_all_names() -> None:
    assert set(VERBS) <= set(complete(""))
    names = complete("train", "")
    assert {"model=", "data.", "seed=", "output_dir="} <= set(names)
    assert not [name for name in names if "@" in name or name.startswith("_")]


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "best.ckpt").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / ".hidden").touch()
    found = [f"{tmp_path}/best.ckpt", f"{tmp_path}/bin/"]
    assert complete("inspect", f"{tmp_path}/b") == found
    assert complete("train", "--config-dir", f"{tmp_path}/") == found
    assert complete("evaluate", f"network={tmp_path}/b") == [f"network={one}" for one in found]
    assert complete("evaluate", f"sample=[a,{tmp_path}/bi") == [f"sample=[a,{tmp_path}/bin/"]
    for command, key in (
        *(("evaluate", "network"), ("train", "model.weights"), ("train", "distill.teacher")),
    ):
        assert f"{key}=pdhd-fast" in complete(command, f"{key}=pdhd-f")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert complete("train", "data.dir=~/bi") == ["data.dir=~/bin/"]


def test_path_keys_exist() -> None:
    commands = [Command(path.stem, [], ConfFolders()) for path in config_dir().glob("*.yaml")]
    commands += [Command("benchmark", ["study=memory"], ConfFolders())]
    commands += [Command("train", ["data=pdhd"], ConfFolders())]
    names = {name.rpartition(".")[2] for command in commands for name in command.flat}
    assert names >= PATH_KEYS


def test_script_of_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "expected one of bash, zsh, fish" in capsys.readouterr().err
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out.strip() == SCRIPTS["bash"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Put a command roilab on the path that runs this package."""
    command = tmp_path / "bin" / "roilab"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m roilab "$@"\n')
    command.chmod(0o755)
    package = Path(roilab.__file__).parents[1]
    return {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(package),
    }


def run(environment: dict[str, str], *command: str) -> list[str]:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.cli
def test_bash(environment: dict[str, str]) -> None:
    lines = [
        "roilab train data.reb",
        "roilab train model=mo",
        "roilab tr",
        "roilab train data.pad=",
    ]
    calls = "".join(
        f"COMP_LINE='{line}'; COMP_POINT={len(line)}; _roilab; echo \"${{COMPREPLY[*]}}\"; "
        for line in lines
    )
    found = run(environment, "bash", "-c", f"{SCRIPTS['bash']}\n{calls}")
    # Readline keeps what stands before the last =.
    assert found == ["data.rebin=", "mobilenetv2 mobilenetv3", "train", "0"]


@pytest.mark.cli
def test_fish(environment: dict[str, str]) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script = f"{SCRIPTS['fish']}\ncomplete -C 'roilab train data.reb'"
    assert run(environment, "fish", "-c", script) == ["data.rebin="]


def test_zsh_syntax() -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    assert run(dict(os.environ), "zsh", "-n", "-c", SCRIPTS["zsh"]) == []
