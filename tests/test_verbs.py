"""``roilab VERB``: the list of verbs, the version, mistakes, and a verb that runs."""

import importlib.util
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import roilab
from roilab.cli import VERBS, main


def test_without_a_verb_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb}" in out for verb in VERBS)


def test_every_verb_is_a_package_with_a_command() -> None:
    assert all(importlib.util.find_spec(f"roilab.{verb}.__main__") for verb in VERBS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"roilab {roilab.__version__}"


@pytest.mark.parametrize(
    ("verb", "hint"), [("trian", "did you mean 'roilab train'?"), ("xyz", "lists the verbs")]
)
def test_unknown_verb(verb: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb]) == 2
    assert hint in capsys.readouterr().err


def test_a_verb_gets_the_rest_of_the_command_line(
    frames_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["roilab"])
    assert main(["inspect", "--quick", str(frames_dir / "g4-rec-0.h5")]) == 0
    assert "loose_lf1" in capsys.readouterr().out


def test_a_reader_may_leave(tmp_path: Path) -> None:
    """``roilab convert --help | head`` ends without a traceback."""
    command = [sys.executable, "-m", "roilab", "convert", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE
