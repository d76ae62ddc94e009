"""An attempt to resume a run that fails before it trains leaves the run as it was."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from known_network import fails

Run = Callable[..., None]


def contents(run: Path) -> dict[str, bytes]:
    """Return the files that describe a run and hold its results."""
    patterns = (".hydra/*", "status.json", "checkpoints/*", "csv/version_0/*", "report.html")
    files = [path for pattern in patterns for path in run.glob(pattern)]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def test_a_failed_attempt_changes_nothing(
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, arguments = tmp_path / "run", [*light_arguments, "trainer.max_epochs=1"]
    run_train(*arguments)
    before, log = contents(run), (run / "train.log").read_text()
    assert {"status.json", ".hydra/config.yaml", ".hydra/overrides.yaml"} < set(before)
    attempts = {
        "data.dir": ("trainer.max_epochs=2", f"data.dir={tmp_path / 'absent'}"),
        "trainer.max_epochs": ("trainer.max_epochs=-7",),
        "cannot change": ("trainer.max_epochs=2", "data.rebin=5"),
    }
    for text, changed in attempts.items():
        err = fails(run_train, capsys, *arguments, *changed, "resume=auto")
        assert text in err
        assert contents(run) == before
        assert (run / "train.log").read_text().startswith(log)
    run_train(*arguments, "trainer.max_epochs=2", "resume=auto")
    status = json.loads((run / "status.json").read_text())
    assert (status["state"], status["results"]["epochs"], status["starts"]) == ("finished", 2, 2)
    assert "max_epochs: 2" in (run / ".hydra" / "config.yaml").read_text()


def test_a_run_that_fails_after_it_trained_is_failed(
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_train(*light_arguments, "trainer.max_epochs=1")

    def fail(*_: object) -> None:
        raise RuntimeError("after the training")

    monkeypatch.setattr("roilab.train.run.validate_best", fail)
    with pytest.raises(SystemExit):
        run_train(*light_arguments, "resume=auto")
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert (status["state"], status["error"]) == ("failed", "RuntimeError: after the training")
    assert "max_epochs: 2" in (tmp_path / "run" / ".hydra" / "config.yaml").read_text()
