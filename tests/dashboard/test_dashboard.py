"""W&B records are read as they were logged, listed as charts, drawn, and made a workspace."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import wandb

from roilab.dashboard.__main__ import main
from roilab.dashboard.charts import Kind, list_charts, varied_settings
from roilab.dashboard.records import RecordsError, find_records, read_records
from roilab.dashboard.workspace import make_workspace
from wandb_records import finished_records

LOSSES = {4: [0.5, 0.25, 0.125], 10: [0.6, 0.3, 0.2]}
LONG = "x" * 100_000  # longer than a block of the file, so in several chunks


def log_run(folder: Path, rebin: int) -> None:
    """Log as the logger does, but with numbers known here."""
    settings = wandb.Settings(silent=True, reinit="create_new")
    run = wandb.init(
        project="test", name=f"rebin{rebin}", group="grid", mode="offline", dir=folder,
        config={"data": {"rebin": rebin, "cache": {"dir": str(folder)}}, "note": LONG},
        tags=["small"], settings=settings,
    )  # fmt: skip
    run.define_metric("*", step_metric="epoch")
    run.define_metric("val/loss", step_metric="epoch", summary="min")
    for epoch, loss in enumerate(LOSSES[rebin]):
        run.log({"val/loss": loss, "lr": 0.1, "epoch": epoch})
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10] = 1
    masks = {name: {"mask_data": mask} for name in ("truth", "prediction")}
    run.log({"events/one": wandb.Image(np.zeros((20, 30), np.uint8), masks=masks), "epoch": 2})
    curves = wandb.plot.line_series(
        xs=[[0, 60], [0, 60]], ys=[[1.0, 2.0], [3.0, 4.0]], keys=["dnn", "gauss"], title="bias"
    )
    run.log({"angles/bias/t": curves, "epoch": 2})
    run.log({"physics/table": wandb.Table(columns=["a"], data=[[1]]), "epoch": 2})
    run.log({"best/dice": rebin / 20, "epoch": 3})
    run.finish()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Records of two runs."""
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_DATA_DIR", str(folder / "data"))
        for rebin in LOSSES:
            (folder / str(rebin)).mkdir()
            log_run(folder / str(rebin), rebin)
    finished_records(folder)
    return folder


def test_records(sweep: Path) -> None:
    first, second = (read_records(path) for path in find_records([sweep]))
    assert {first.name, second.name} == {"rebin4", "rebin10"}
    run = first if first.name == "rebin4" else second
    assert (run.group, run.tags, run.exit_code) == ("grid", ["small"], 0)
    assert run.config["note"] == LONG
    assert run.points("val/loss") == list(enumerate(LOSSES[4]))
    assert (run.axes["*"], run.best) == ("epoch", {"val/loss": "min"})
    assert run.summary["val/loss"] == {"min": 0.125}
    assert run.path(run.points("events/one")[0][1]).is_file()


def test_a_killed_run_is_read_to_its_last_record(sweep: Path, tmp_path: Path) -> None:
    path = find_records([sweep])[0]
    (tmp_path / "cut.wandb").write_bytes(path.read_bytes()[:-300])
    run = read_records(tmp_path / "cut.wandb")
    assert len(run.points("val/loss")) == 3
    assert run.exit_code is None


def test_charts(sweep: Path) -> None:
    runs = [read_records(path) for path in find_records([sweep])]
    charts = {(c.section, c.title): (c.kind, c.epochs, c.runs) for c in list_charts(runs)}
    assert charts == {
        ("Loss and masks", "loss, train and val"): (Kind.LINES, (0, 1, 2), 2),
        ("Charge against angle", "angles/bias/t"): (Kind.CURVES, (2,), 2),
        ("Charge against angle", "physics/table"): (Kind.TABLE, (2,), 2),
        ("Events", "events/one"): (Kind.PICTURES, (2,), 2),
        ("Speed and memory", "lr"): (Kind.LINES, (0, 1, 2), 2),
        ("Best checkpoint", "metrics of best"): (Kind.NUMBERS, (3,), 2),
    }
    assert varied_settings(runs) == ["data.rebin"]


def test_command(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep), "--pictures", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "2 W&B runs" in printed
    assert "6 charts" in printed
    assert "curves against angle" in printed
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"curves.png", "events.png", "angles.png", "sweep.png"}


def test_workspace_shows_logged_keys(sweep: Path) -> None:
    pytest.importorskip("pydantic")
    runs = [read_records(path) for path in find_records([sweep])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of pydantic, in the package
        pytest.importorskip("wandb_workspaces", reason="pip install 'roilab[dashboard]'")
        workspace = make_workspace(runs, "me/roilab")
        text = workspace._to_model().model_dump_json(by_alias=True)
    assert [section.name for section in workspace.sections] == [
        *("Loss and masks", "Charge against angle", "Events", "Speed and memory"),
        "Best checkpoint",
    ]
    for key in ("val/loss", "lr", "events/one", "angles/bias/t_table", "physics/table"):
        assert f'"{key}"' in text, key
    assert "data.rebin" in text
    assert "best/dice" in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["EMPTY"], "contains no W&B records; expected a file wandb/*-run-*/run-*.wandb in it."),
        (["SWEEP", "--save", "nothing"], "--save nothing: expected ENTITY/PROJECT"),
    ],
)
def test_mistakes(
    sweep: Path,
    tmp_path: Path,
    arguments: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {"EMPTY": str(tmp_path), "SWEEP": str(sweep)}
    assert main([names.get(one, one) for one in arguments]) == 1
    assert text in capsys.readouterr().err


def test_a_foreign_file(tmp_path: Path) -> None:
    (tmp_path / "run.wandb").write_bytes(b"something else")
    with pytest.raises(RecordsError, match="is no record of a W&B run"):
        read_records(tmp_path / "run.wandb")
