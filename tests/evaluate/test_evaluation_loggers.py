"""An evaluation logs the curves, table and verdict that it prints."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from test_evaluate import run_evaluate  # noqa: F401 - a fixture

from roilab.dashboard.records import read_records
from wandb_records import finished_records

Run = Callable[..., None]


def test_wandb_records_of_an_evaluation(
    run_evaluate: Run,  # noqa: F811
    model: Path,
    tracks_dir: Path,
    tmp_path: Path,
) -> None:
    run_evaluate(
        *("data=tiny", f"data.dir={tracks_dir}", f"network={model}", f"sample={tracks_dir}"),
        *("scan=[]", "device=cpu", "logger=wandb", "tags=[final]"),
    )
    (path,) = finished_records(tmp_path / "out")
    run = read_records(path)
    assert (run.job_type, run.exit_code) == ("evaluate", 0)
    assert run.name.endswith(f"-on-{tracks_dir.name}-{date.today():%Y%m%d}")
    assert "final" in run.tags
    place = f"{tracks_dir.name}-V"
    keys = {key for row in run.history for key in row}
    assert keys >= {f"angles/bias/{place}_table", "physics/table", f"figures/bias-{place}"}
    assert run.points("physics/inefficiency")
    assert run.summary["verdict"]


def test_a_logger_that_cannot_be_used(
    run_evaluate: Run,  # noqa: F811
    tracks_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is computed."""
    monkeypatch.setattr("wandb.login", lambda **_: False)
    with pytest.raises(SystemExit):
        run_evaluate(
            *("data=tiny", f"data.dir={tracks_dir}", f"sample={tracks_dir}"),
            *("logger=wandb", "logger.wandb.mode=online"),
        )
    assert "no W&B account is known on this machine" in capsys.readouterr().err
    assert not (tmp_path / "out" / "table.csv").exists()
