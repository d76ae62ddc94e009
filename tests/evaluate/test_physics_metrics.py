"""Charge metrics during training are those that evaluation gives for the same network."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from test_evaluate import run_evaluate  # noqa: F401 - a fixture

from physics_tables import assert_same, read_table

Run = Callable[..., None]


def judged(run: Path, evaluate: Run, tracks_dir: Path, out: Path) -> None:
    """The best checkpoint's table during training and after it."""
    (best,) = (run / "checkpoints").glob("best*.ckpt")
    evaluate(f"network={best}", f"sample={tracks_dir}", "scan=[]", "device=cpu")
    assert_same(read_table(run / "physics" / "best.csv"), read_table(out / "table.csv"))


def test_while_training(
    run_train: Run,
    run_evaluate: Run,  # noqa: F811
    light_arguments: list[str],
    tracks_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_train(
        *(*light_arguments, f"data.samples=[{tracks_dir}]", "logger=many"),
        "callbacks.physics_metrics.every_n_epochs=2",
    )
    run = tmp_path / "run"
    names = {path.name for path in (run / "physics").iterdir()}
    figures = {f"{kind}-{tracks_dir.name}-V.png" for kind in ("bias", "inefficiency", "rois")}
    assert names >= figures | {"epoch001.csv", "best.csv"}
    assert "epoch000.csv" not in names
    assert "physics metrics of best on 3 images: " in capsys.readouterr().err
    assert list(run.glob("wandb/offline-run-*/files/media/table/physics/table*.json"))
    table = read_table(run / "physics" / "best.csv")
    assert [(row["method"], row["theta_xz"]) for row in table] == [
        (method, angle) for angle in ("0", "80") for method in ("dnn", "gauss", "ideal")
    ]
    gauss = next(row for row in table if row["method"] == "gauss")
    assert float(gauss["bias"]) == pytest.approx(-50)
    assert math.isclose(float(gauss["inefficiency"]), 25)
    judged(run, run_evaluate, tracks_dir, tmp_path / "out")


def test_images_are_bounded(
    run_train: Run, light_arguments: list[str], tracks_dir: Path, tmp_path: Path
) -> None:
    run_train(
        *(*light_arguments, f"data.samples=[{tracks_dir}]", "trainer.max_epochs=1"),
        *("callbacks.physics_metrics.every_n_epochs=0",),
        "callbacks.physics_metrics.images_per_angle=1",
    )
    table = read_table(tmp_path / "run" / "physics" / "best.csv")
    assert {row["events"] for row in table} == {"1"}
    assert not list((tmp_path / "run" / "physics").glob("epoch*"))


@pytest.mark.parametrize(
    ("override", "text"),
    [
        (
            "data.samples=[nowhere]",
            "data.samples=[nowhere]: nowhere in the list: expected a",
        ),
        ("data.channel_rebin=2", "data.channel_rebin=2 with samples;"),
        ("data.planes=[U]", "have nothing on plane U"),
    ],
)
def test_mistakes_are_told_before_the_training(
    run_train: Run,
    light_arguments: list[str],
    tracks_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    override: str,
    text: str,
) -> None:
    with pytest.raises(SystemExit):
        run_train(*light_arguments, f"data.samples=[{tracks_dir}]", override)
    assert text in capsys.readouterr().err
    assert not list(tmp_path.glob("run/checkpoints/*"))
