"""Output of roilab diff for folders like those of runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from physics_tables import evaluation_rows, write_table
from roilab.cli import main
from run_folders import write_config, write_run, write_sweep

VERSIONS = {"roilab": "0.1.0", "torch": "2.6.0", "lightning": "2.6.0", "timm": "1.0.9"}


def make_run(folder: Path, loss: float = 0.5, **status: Any) -> Path:
    """Write a finished run that records versions and data, as this version does."""
    write_run(folder, [loss], {})
    content = json.loads((folder / "status.json").read_text())
    content |= {"versions": VERSIONS, "git_commit": "abc123", **status}
    counts = {"train": {"files": 6, "images": 22}, "val": {"files": 2, "images": 2}}
    content["results"]["data"] = counts
    (folder / "status.json").write_text(json.dumps(content))
    return folder


def edit(folder: Path, file: str, before: str, after: str) -> None:
    path = folder / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*paths: Path, code: int = 0) -> str:
        assert main(["diff", *map(str, paths)]) == code
        out, err = capsys.readouterr()
        assert not err or code
        return out or err

    return run


def row(out: str, name: str) -> list[str]:
    """Return the cells of the row of a name."""
    (line,) = [line for line in out.splitlines() if line.strip("│ ").startswith(name)]
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_equal_runs(tmp_path: Path, show: Any) -> None:
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", seconds=80.5)]
    out = show(*runs)
    assert "no difference: configuration, code, data, results are the same" in out
    assert row(out, "time [s]") == ["75", "80.5", "+5.5"]
    assert "not compared" not in out
    assert "val/loss" not in out


def test_all_differences(tmp_path: Path, show: Any) -> None:
    a = make_run(tmp_path / "a")
    b = make_run(tmp_path / "b", loss=0.25, versions={**VERSIONS, "torch": "2.7.0"})
    edit(b, ".hydra/config.yaml", "rebin: 10", "rebin: 4")
    edit(b, ".hydra/config.yaml", "lr: 0.1", "lr: 0.1000001")
    edit(b, ".hydra/hydra.yaml", "model: unet", "model: uresnet")
    edit(b, "status.json", '"images": 22', '"images": 20')
    out = show(a, b)
    assert "no difference" not in out
    assert row(out, "data.rebin") == ["10", "4", "-6"]
    # Numbers that differ beyond the digits of a table.
    assert row(out, "optimizer.lr") == ["0.1", "0.1000001", "+1e-07"]
    assert row(out, "model (file)") == ["unet", "uresnet", ""]
    assert row(out, "torch") == ["2.6.0", "2.7.0"]
    assert row(out, "train images") == ["22", "20", "-2"]
    assert row(out, "val/loss") == ["0.5", "0.25", "-0.25"]
    assert row(out, "val/dice") == ["0.5", "0.75", "+0.25"]
    assert row(out, "epochs") == ["1", "1", ""]
    for same in ("data.threshold", "timm", "val images"):
        assert same not in out


def test_values_of_the_environment_are_not_shown(
    tmp_path: Path, show: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMES", "secret")
    a, b = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    edit(b, ".hydra/config.yaml", "${oc.env:FRAMES,frames}", "other")
    out = show(a, b)
    assert row(out, "data.dir") == ["${oc.env:FRAMES,frames}", "other"]
    assert "secret" not in out


def test_folders_come_last(tmp_path: Path, show: Any) -> None:
    a, b = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    for run, place in ((a, "/one"), (b, "/two")):
        edit(run, ".hydra/config.yaml", "${oc.env:FRAMES,frames}", f"{place}/frames")
        edit(run, ".hydra/config.yaml", "${hydra:runtime.output_dir}", f"{place}/run")
    out = show(a, b)
    assert "no difference" in out
    assert out.index("places") < out.index("data.dir")
    assert row(out, "data.dir") == ["/one/frames", "/two/frames"]
    assert row(out, "run_dir") == ["/one/run", "/two/run"]


def test_runs_that_record_less(tmp_path: Path, show: Any) -> None:
    old = tmp_path / "old"
    write_config(old, [])
    out = show(old, make_run(tmp_path / "new"))
    assert f"not compared: {old}: versions, data not recorded." in out
    assert row(out, "state") == ["unfinished", "finished"]
    assert row(out, "val/loss") == ["absent", "0.5"]
    (old / ".hydra" / "config.yaml").write_text("a: [")
    assert "config.yaml: cannot be read" in show(old, tmp_path / "new")


def test_what_is_not_recorded_is_not_called_equal(tmp_path: Path, show: Any) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, [0.5], {})
    out = show(tmp_path / "a", tmp_path / "b")
    assert "no difference: configuration, results are the same" in out
    assert out.count("versions, data not recorded") == 2


def test_jobs_of_a_sweep_and_checkpoints(tmp_path: Path, show: Any) -> None:
    write_sweep(tmp_path)
    checkpoint = tmp_path / "rebin-4+threshold-50" / "checkpoints" / "best.ckpt"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    out = show(tmp_path / "rebin-4+threshold-200", checkpoint)
    # The lowest losses are 0.12 and 0.1.
    assert row(out, "val/loss") == ["0.12", "0.1", "-0.02"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "none: there is no such folder; check the path."),
        ("empty", "empty: is not the folder of a run; expected one with status.json or"),
        ("sweep", "is the folder of a sweep with 5 jobs; name one of them: rebin-4+threshold-50, "),
        ("empty/file", "empty/file: is not the folder of a run"),
    ],
)
def test_paths_that_are_no_run(tmp_path: Path, show: Any, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "file").touch()
    (tmp_path / "sweep").mkdir()
    write_sweep(tmp_path / "sweep")
    out = show(make_run(tmp_path / "a"), tmp_path / name, code=1)
    assert words in out
    assert out.count("\n") == 1


def test_both_verdicts(tmp_path: Path, show: Any) -> None:
    """The run page and the model card have the same verdict, from all evaluations of a run."""
    a, b = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    write_table(b / "evaluation" / "table.csv", evaluation_rows())
    write_table(b / "evaluation-2" / "table.csv", evaluation_rows(sample="showers"))
    out = show(a, b)
    assert "verdict 1: no sample. Not compared with gauss" in out
    assert "verdict 2: better. Better than gauss at 2 of 4 places" in out
    (line,) = [line for line in out.splitlines() if line.startswith("│ verdict")]
    assert [cell.strip() for cell in line.split("│")][2:4] == ["no sample", "better"]
