"""What a training logs: the same contents in W&B, TensorBoard, MLflow and CSV files."""

import csv
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from roilab.csv_log import read_curves
from roilab.dashboard.records import WandbRun, read_records
from roilab.train.loggers import about
from roilab.train.loggers.content import angle_charts, best_of, mean_numbers, name_in
from wandb_records import finished_records

Run = Callable[..., None]
EVENT = "g4-rec-1.h5-event-111-APA-1-V"
MASKS = ("dice", "pixel_efficiency", "pixel_purity", "roi_efficiency", "roi_purity")
PLACE = "tracks0-V"
# Epochs at which every key is logged in a training of two epochs; 2 is the best checkpoint. NaN,
# such as the purity of a network that marks nothing, is not logged.
KEYS: dict[str, list[int]] = {
    **{f"train/{name}": [0, 1] for name in ("loss",)},
    **{f"val/{name}": [0, 1] for name in ("loss", "dice", "pixel_efficiency", "roi_efficiency")},
    **{name: [0, 1] for name in ("lr", "memory/process_mb")},
    **{f"speed/{name}": [0, 1] for name in ("events_per_s", "images_per_s", "input_wait")},
    **{f"best/{name}": [2] for name in ("loss", *MASKS)},
    **{f"{group}/{EVENT}": [1, 2] for group in ("events", "panels")},
    **{f"angles/{name}/{PLACE}_table": [1, 2] for name in ("bias", "resolution", "inefficiency")},
    "physics/table": [1, 2],
    "physics/inefficiency": [1, 2],
    "ranked/best": [2],
    **{f"figures/{name}-{PLACE}": [2] for name in ("bias", "resolution", "inefficiency", "rois")},
}
AXES = ("epoch", "trainer/global_step")


@pytest.fixture
def arguments(light_arguments: list[str], tracks_dir: Path) -> list[str]:
    """Arguments of a training of two epochs with pictures, physics metrics and an export."""
    left_out = ("callbacks.export", "callbacks.event_pictures", "callbacks.best_worst_events")
    kept = [one for one in light_arguments if not one.startswith((*left_out, "logger"))]
    return [
        *(*kept, f"data.samples=[{tracks_dir}]", "callbacks.physics_metrics.every_n_epochs=2"),
        *("callbacks.event_pictures.events=1", "callbacks.event_pictures.every_n_epochs=2"),
        "tags=[weak noise]",
    ]


def one_run(folder: Path) -> WandbRun:
    (path,) = finished_records(folder)
    return read_records(path)


@pytest.fixture(autouse=True)
def _new_session() -> None:
    """End the session of an earlier test: W&B reads the environment when one begins."""
    wandb.teardown()


def test_wandb_records(
    run_train: Run,
    arguments: list[str],
    tmp_path: Path,
    frames_dir: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run_train(*arguments, "logger=wandb")
    assert "wandb: WARN" not in capfd.readouterr().err
    run = one_run(tmp_path / "run")
    name = f"unet-rebin10-thr100-{date.today():%Y%m%d}"
    assert (run.name, run.group, run.job_type, run.exit_code) == (name, "", "train", 0)
    assert run.tags == ["plane-V", "unet", "rebin10", "thr100", about.short_commit(), "weak noise"]
    check_history(run)
    check_best_values(run)
    check_masks(run)
    check_curves(run)
    check_artifacts(run, frames_dir, name)
    assert run.config["data"]["rebin"] == 10
    assert run.config["run"]["command"].startswith("roilab train --config-dir ")
    assert "'tags=[weak noise]'" in run.config["run"]["command"]
    assert run.summary["verdict"] == "marks nothing"
    assert run.summary["best_epoch"] == 1


def check_history(run: WandbRun) -> None:
    found = {key for row in run.history for key in row if not key.startswith("_")}
    assert found - set(AXES) == set(KEYS)
    for key, epochs in KEYS.items():
        assert [epoch for epoch, _ in run.points(key)] == epochs, key
        assert run.axes.get(key, run.axes["*"]) == "epoch"
    numbers = [row["_step"] for row in run.history]
    assert numbers == list(range(len(numbers)))


def check_best_values(run: WandbRun) -> None:
    losses = [value for _, value in run.points("val/loss")]
    assert run.summary["val/loss"] == {"min": min(losses)}
    assert run.summary["val/dice"] == {"max": max(v for _, v in run.points("val/dice"))}
    assert run.best["physics/inefficiency"] == "min"
    assert run.best["physics/roi_purity"] == "max"
    assert not {"lr", "best/loss", "speed/input_wait"} & set(run.best)


def check_masks(run: WandbRun) -> None:
    """Truth is class 1, prediction class 2, in the size of the image."""
    for _, media in run.points(f"events/{EVENT}"):
        pixels = {name: np.asarray(Image.open(run.path(m))) for name, m in media["masks"].items()}
        assert set(np.unique(pixels["truth"])) == {0, 1}
        assert set(np.unique(pixels["prediction"])) <= {0, 2}
        assert pixels["truth"].shape == (media["height"], media["width"])
        assert Image.open(run.path(media)).size == (media["width"], media["height"])


def check_curves(run: WandbRun) -> None:
    """The chart contains what the table contains, by method."""
    assert run.custom_charts[f"angles/bias/{PLACE}"] == f"bias [%], {PLACE}"
    chart = read_table(run, f"angles/bias/{PLACE}_table")
    rows = read_table(run, "physics/table")
    for method in ("gauss", "ideal"):
        expected = [(r["theta_xz"], r["bias"]) for r in rows if r["method"] == method]
        assert [(r["step"], r["lineVal"]) for r in chart if r["lineKey"] == method] == expected
    assert {row["method"] for row in rows} == {"dnn", "gauss", "ideal"}


def read_table(run: WandbRun, key: str) -> list[dict[str, Any]]:
    content = json.loads(run.path(run.points(key)[-1][1]).read_text())
    return [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]


def check_artifacts(run: WandbRun, frames_dir: Path, name: str) -> None:
    artifacts = {one.type: one for one in run.artifacts if one.type != "run_table"}
    model, data = artifacts["model"], artifacts["dataset"]
    assert model.name == "plane-V-unet-rebin10-thr100"
    assert sorted(model.aliases) == ["best", name]
    assert set(model.files) == {"README.md", "dnnroi.jsonnet", "model.json", "model.ts"}
    assert all(Path(path).is_file() for path in model.files.values())
    assert model.metadata["metrics"]["val/dice"] == run.summary["best/dice"]
    assert data.files == {path.name: path.as_uri() for path in frames_dir.glob("*.h5")}
    assert data.metadata["counts"]["val"] == {"files": 1, "events": 1, "images": 1}


def test_files_of_the_same_name_in_two_folders(
    run_train: Run, light_arguments: list[str], frames_dir: Path, tmp_path: Path
) -> None:
    """Samples of one simulation each: both begin with g4-rec-0.h5."""
    frames = tmp_path / "frames"
    for stage in ("train", "val"):
        shutil.copytree(frames_dir, frames / stage)
    files = ["data.rec=*/g4-rec-*.h5", "data.tru=*/g4-tru-*.h5"]
    files += ["data.train_files=[train/*rec*]", "data.val_files=[val/*rec*]"]
    run_train(*light_arguments, f"data.dir={frames}", *files, "logger=wandb")
    (data,) = [one for one in one_run(tmp_path / "run").artifacts if one.type == "dataset"]
    expected = {str(path.relative_to(frames)): path.as_uri() for path in frames.glob("*/*.h5")}
    assert data.files == expected
    assert "val/g4-rec-0.h5" in expected


def test_name_of_a_file_outside_of_the_folder() -> None:
    assert name_in(Path("/frames"), Path("/frames/train/g4-rec-0.h5")) == "train/g4-rec-0.h5"
    assert name_in(Path("/frames"), Path("/other/g4-rec-0.h5")) == "other/g4-rec-0.h5"


def test_online_without_an_account(
    run_train: Run,
    light_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, before the training; the same from the environment."""
    monkeypatch.setattr(wandb, "login", lambda **_: False)  # as where nobody has logged in
    with pytest.raises(SystemExit) as ended:
        run_train(*light_arguments, "logger=wandb", "logger.wandb.mode=online")
    printed = capsys.readouterr().err
    assert ended.value.code == 1
    assert "no W&B account is known on this machine; expected the key of one." in printed
    assert "Traceback" not in printed
    assert not list((tmp_path / "run").glob("checkpoints/*"))
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(SystemExit):
        run_train(*light_arguments, "logger=wandb", "resume=auto")
    assert "no W&B account" in capsys.readouterr().err


def test_mode_of_the_environment(
    run_train: Run, light_arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    run_train(*light_arguments, "logger=wandb", "trainer.max_epochs=1")
    assert not list((tmp_path / "run").rglob("*.wandb"))


def test_names() -> None:
    assert about.network_slug("MobileNetV3-UNet") == "mobilenetv3"
    assert about.network_slug("small UNet") == "small-unet"
    assert about.network_slug("UNet") == "unet"
    assert about.varied_parts("rebin=4 lr=0.1 threshold=50 seed=2") == ["lr0.1", "seed2"]
    assert about.varied_parts("") == []


def rows_of_tracks() -> list[dict[str, Any]]:
    nan = float("nan")
    place = {"sample": "t", "plane": "V", "energy": None}
    values = [("dnn", 80, -20.0), ("dnn", 0, 4.0), ("gauss", 0, nan), ("gauss", 80, -50.0)]
    return [
        {**place, "method": method, "theta_xz": angle, "bias": bias, "resolution": 5.0}
        | {"inefficiency": nan, "charge_profile": nan, "roi_purity": 0.5}
        for method, angle, bias in values
    ]


def test_charts_and_means_by_hand() -> None:
    charts = {chart.key: chart.curves for chart in angle_charts(rows_of_tracks())}
    assert charts["angles/bias/t-V"] == {"dnn": [(0, 4.0), (80, -20.0)], "gauss": [(80, -50.0)]}
    assert set(charts) == {"angles/bias/t-V", "angles/resolution/t-V"}
    numbers = mean_numbers(rows_of_tracks(), "dnn")
    assert numbers == {
        "physics/bias_size": 12,
        "physics/resolution": 5,
        "physics/roi_purity": 0.5,
    }
    senses = {name: best_of(name) for name in ("val/loss", "val/dice", "physics/bias_size", "lr")}
    assert senses == {"val/loss": "min", "val/dice": "max", "physics/bias_size": "min", "lr": None}


def check_csv(folder: Path) -> None:
    """CSV: numbers of every epoch, and the table of all epochs."""
    (log,) = folder.glob("csv/version_0/metrics.csv")
    curves = read_curves(folder / "csv")
    assert [epoch for epoch, _ in curves["speed/events_per_s"]] == [0, 1]
    rows = list(csv.DictReader((log.parent / "physics_table.csv").open()))
    assert {(row["epoch"], row["method"]) for row in rows} == {
        (epoch, method) for epoch in ("1", "2") for method in ("dnn", "gauss", "ideal")
    }


def test_csv_and_tensorboard(
    run_train: Run, arguments: list[str], user_conf: Path, tmp_path: Path
) -> None:
    """Two loggers, in a file of the user."""
    (user_conf / "logger").mkdir()
    (user_conf / "logger" / "both.yaml").write_text("defaults: [csv, tensorboard]")
    run_train(*arguments, "logger=both", "callbacks.export=null")
    check_csv(tmp_path / "run")
    (folder,) = (tmp_path / "run" / "tensorboard").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    numbers = {key: [one.step for one in events.Scalars(key)] for key in events.Tags()["scalars"]}
    pictures = {key: [one.step for one in events.Images(key)] for key in events.Tags()["images"]}
    expected = {key.removesuffix("_table"): epochs for key, epochs in KEYS.items()}
    with_nan = {f"val/{name}": [0, 1] for name in MASKS}
    numeric = ("train", "val", "lr", "memory", "speed", "best")
    assert (
        numbers.items()
        >= ({k: e for k, e in expected.items() if k.split("/")[0] in numeric} | with_nan).items()
    )
    media = ("events", "angles", "ranked", "figures")
    assert pictures == {k: e for k, e in expected.items() if k.split("/")[0] in media}


def test_mlflow(run_train: Run, arguments: list[str], tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="pip install 'roilab[mlflow]'")
    run_train(*arguments, "logger=mlflow")
    client = mlflow.MlflowClient(f"file:{tmp_path / 'run' / 'mlflow'}")
    (experiment,) = client.search_experiments(filter_string="name = 'roilab'")
    (run,) = client.search_runs([experiment.experiment_id])
    tags, run_id = run.data.tags, run.info.run_id
    assert run.info.run_name == f"unet-rebin10-thr100-{date.today():%Y%m%d}"
    assert run.info.status == "FINISHED"
    assert (tags["network"], tags["tags"], tags["verdict"]) == (
        "unet",
        "weak noise",
        "marks nothing",
    )
    numeric = ("train", "val", "lr", "memory", "speed", "best", "physics")
    for key, epochs in KEYS.items():
        if key.split("/")[0] in numeric and key != "physics/table":
            assert [one.step for one in client.get_metric_history(run_id, key)] == epochs, key
    assert run.data.params["data/rebin"] == "10"
    names = {item.path for item in client.list_artifacts(run_id, "model")}
    assert names >= {"model/model.ts", "model/README.md", "model/metrics.json"}
    tables = [item.path for item in client.list_artifacts(run_id, "physics/table")]
    assert tables == ["physics/table/epoch001.csv", "physics/table/epoch002.csv"]
    pictures = [item.path for item in client.list_artifacts(run_id, "images")]
    assert sum(f"{EVENT}+" in path and path.endswith(".png") for path in pictures) == 2


def test_mlflow_is_not_installed(
    run_train: Run,
    light_arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("lightning.pytorch.loggers.mlflow._MLFLOW_AVAILABLE", False)
    with pytest.raises(SystemExit):
        run_train(*light_arguments, "logger=mlflow")
    assert "logger=mlflow: MLflow is not installed;" in capsys.readouterr().err
