"""What docs/reliability.md promises, by the code that makes its figures: minutes each."""

from importlib import import_module
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "benchmarks" / "reliability"
KILLS = 20  # of a training; half as many of a sweep and of a simulation


@pytest.mark.slow
@pytest.mark.parametrize(
    "theme",
    [
        *("training", "sweep", "simulation", "signals", "parallel-jobs", "full-disk", "faults"),
        "checkpoints",
    ],
)
def test_theme(theme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    found = import_module("themes").themes(KILLS)[theme](tmp_path)
    assert found.faults == []
