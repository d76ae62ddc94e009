"""How tests draw."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def run_display(
    monkeypatch: pytest.MonkeyPatch, user_conf: Path, tmp_path: Path
) -> Callable[..., Path]:
    """``python -m roilab.display`` in this process; returns the folder it writes to."""

    def run(*arguments: str) -> Path:
        from roilab.display.__main__ import main

        fixed = ["--config-dir", str(user_conf), f"output_dir={tmp_path / 'out'}", "data=tiny"]
        fixed += ["data.dir=none", "display.dpi=40"]
        monkeypatch.setattr(sys, "argv", ["roilab.display", *fixed, *arguments])
        main()
        return tmp_path / "out"

    return run
