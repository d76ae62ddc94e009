"""Mistyped keys, choices, options and paths: one sentence, by the real command."""

import logging
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from roilab.cli import main
from roilab.command_line.arguments import expand_home, split
from roilab.command_line.paths import expand_paths

MISTAKES = [
    (["train", "data.rebn=4"], "no key data.rebn; did you mean data.rebin?"),
    (["train", "model.rebin=10"], "no key model.rebin; did you mean data.rebin?"),
    (["train", "rebin=10"], "no key rebin; did you mean data.rebin?"),
    (["train", "modl=unet"], "no key modl; did you mean model?"),
    (["train", "-m", "data.rebn=4,10"], "did you mean data.rebin?"),
    (["train", "model=mobilnet"], "there is no such choice; did you mean mobilenetv"),
    (["train", "-m", "model=unet,unett"], "model=unett: there is no such choice"),
    (["train", "model=mobilnet"], "The choices of model are mobilenetv2, mobilenetv3, nestedunet"),
    (["evaluate", "model=unet"], "roilab evaluate has no group model"),
    (["train", "--rebin=4"], "--rebin=4: there is no such option; keys are given without dashes"),
    (["train", "data.rebin", "10"], "'data.rebin': expected KEY=VALUE, such as data.rebin=VALUE"),
    (["simulate", "simulation.event=5"], "did you mean simulation.events?"),
    (["train", "loss.gamma=2"], "roilab train has no key loss.gamma"),
]


@pytest.mark.parametrize(("arguments", "expected"), MISTAKES, ids=str)
def test_one_sentence(
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [])
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr().err
    assert stopped.value.code == 1
    assert expected in printed
    assert len(printed.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_mistyped_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert "did you mean 'roilab train'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--cfg", "job"],
        ["--cfg", "job", "loss=focal", "loss.gamma=3", "+trainer.profiler=simple", "~debug"],
        ["--cfg", "job", "simulation/noise@data.simulation.noise=none"],
        ["--info", "defaults"],
        ["--hydra-help"],
    ],
)
def test_what_hydra_accepts_is_not_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [])
    # Without handlers of earlier tests, whose streams are closed.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with suppress(SystemExit):  # Hydra ends some of these so; an error would print
        main(["train", *arguments])
    printed = capsys.readouterr()
    assert printed.out
    assert not printed.err


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("data.dir=~/frames", "data.dir=HOME/frames"),
        ("data.dir=~", "data.dir=HOME"),
        ("sample=[~/a,~/b]", "sample=[HOME/a,HOME/b]"),
        ("network=~/a,~/b", "network=HOME/a,HOME/b"),
        ("resume='~/a.ckpt'", "resume='HOME/a.ckpt'"),
        ("--config-dir=~/conf", "--config-dir=HOME/conf"),
        ("data.dir=a~/b", "data.dir=a~/b"),
        ("~debug", "~debug"),
        ("name=~x~", "name=~x~"),
    ],
)
def test_home_on_the_command_line(
    given: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert expand_home([given]) == [expected.replace("HOME", "/home/somebody")]


def test_home_in_configuration_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    config = OmegaConf.create(
        {
            "output_dir": "~/out",
            "data": {"dir": "${base}/frames", "samples": ["~/a", "/b"], "rebin": 3},
            "base": "~",
            "missing": "???",
            "wrong": "${nothing}",
        }
    )
    OmegaConf.set_struct(config, True)
    expand_paths(config)
    assert config.output_dir == "/home/somebody/out"
    assert config.data.dir == "/home/somebody/frames"
    assert config.data.samples == ["/home/somebody/a", "/b"]


def test_arguments() -> None:
    found = split(["-m", "--config-dir", "conf", "a=1", "~b", "word", "--cfg=job", "--x", "--info"])
    assert (found.overrides, found.words, found.unknown) == (["a=1", "~b"], ["word"], ["--x"])
    assert found.options == {"--multirun": "", "--config-dir": "conf", "--cfg": "job", "--info": ""}
