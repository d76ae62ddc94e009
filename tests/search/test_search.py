"""Searches by the command line in this process: trials, resuming, best settings, bad input."""

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from roilab.sweep.status import Status, read_status

optuna = pytest.importorskip("optuna", reason="needs roilab[search]")
Run = Callable[..., None]
SPACE = "search.space={optimizer.lr:{low:0.001,high:0.1,log:true},loss:[bce,dice_bce]}"


@pytest.fixture
def run_search(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``roilab search`` in this process."""

    def run(*arguments: str) -> None:
        from roilab.search.__main__ import main

        monkeypatch.setattr(sys, "argv", ["roilab search", *arguments])
        main()

    return run


@pytest.fixture
def quick(sweep_arguments: list[str], tmp_path: Path) -> list[str]:
    """Arguments of a search in tmp_path/study with three trials of one epoch."""
    arguments = [one for one in sweep_arguments if not one.startswith("trainer.max_epochs")]
    search = ["trainer.max_epochs=1", SPACE, "search.trials=3"]
    return [*arguments, *search, f"output_dir={tmp_path / 'study'}"]


def rows(study: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((study / "trials.csv").read_text().splitlines()))


def status(folder: Path) -> Status:
    found = read_status(folder)
    assert found is not None
    return found


def fails(run: Run, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    assert stopped.value.code not in (0, None)
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return printed.err + printed.out + str(stopped.value.code)


def test_trials_are_runs_and_the_best_one_can_be_trained_again(
    run_search: Run,
    run_train: Run,
    quick: list[str],
    user_conf: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    study = tmp_path / "study"
    run_search(*quick)
    found = rows(study)
    assert [row["state"] for row in found] == ["complete"] * 3
    statuses = [status(study / row["folder"]) for row in found]
    for row, one in zip(found, statuses, strict=True):
        assert one.results is not None
        assert float(row["val/dice"]) == pytest.approx(one.results.metrics["val/dice"], rel=1e-5)
        assert one.swept == {"optimizer.lr": float(row["optimizer.lr"]), "loss": row["loss"]}
        assert one.state == "finished"
    assert len({row["optimizer.lr"] for row in found}) == 3
    best = max(range(3), key=lambda number: statuses[number].results.metrics["val/dice"])  # type: ignore[union-attr]
    printed = capsys.readouterr().out
    assert f"best settings: roilab train --config-dir {study} experiment=best" in printed
    assert (study / "search.png").read_bytes().startswith(b"\x89PNG")

    shutil.copytree(study / "experiment", user_conf / "experiment", dirs_exist_ok=True)
    run_train("--config-dir", str(user_conf), "experiment=best", f"output_dir={tmp_path / 'again'}")
    again, first = status(tmp_path / "again").results, statuses[best].results
    assert again is not None
    assert first is not None
    assert again.metrics == first.metrics


TIMES = ("seconds", "starts", "killed")


def without_times(study: Path) -> list[dict[str, str]]:
    return [{name: row[name] for name in row if name not in TIMES} for row in rows(study)]


def test_a_study_goes_on_where_it_was_killed(
    run_search: Run, quick: list[str], tmp_path: Path
) -> None:
    """A trial that was killed is resumed; the next trials are those of an uninterrupted study."""
    study, other = tmp_path / "study", tmp_path / "other"
    run_search(*quick)
    shutil.copytree(study, other)
    # The state after a kill in the second trial, with half of a line in the record of the study.
    shutil.rmtree(other / "trial-002")
    (other / "trial-001" / "checkpoints" / "last.ckpt").unlink()
    killed = status(other / "trial-001")
    killed.state, killed.results = "running", None
    killed.write(other / "trial-001")
    lines = (other / "study.log").read_text().splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if '"op_code":6' in line]
    assert len(ends) == 3
    (other / "study.log").write_text("".join(lines[: ends[1]]) + lines[ends[1]][:9])
    run_search(*quick, f"output_dir={other}")
    assert without_times(other) == without_times(study)
    assert [row["starts"] for row in rows(other)] == ["1", "2", "1"]
    assert [row["killed"] for row in rows(other)] == ["0", "1", "0"]


def test_a_weak_trial_ends_early(run_search: Run, quick: list[str], tmp_path: Path) -> None:
    """A pruner that ends every trial after its first epoch."""
    pruner = "+search.pruner={_target_:optuna.pruners.ThresholdPruner,upper:-1}"
    run_search(*quick, "trainer.max_epochs=2", "search.trials=1", "~search.pruner", pruner)
    (row,) = rows(tmp_path / "study")
    assert (row["state"], row["val/dice"], row["epochs"]) == ("pruned", "", "1")
    assert status(tmp_path / "study" / "trial-000").state == "finished"


def test_two_objectives_give_a_front(
    run_search: Run, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    run_search(*quick, "search.objectives=[val/loss,time/inference]", "search.trials=2")
    found = [(float(row["val/loss"]), float(row["time/inference"])) for row in rows(study)]
    assert all(0 < seconds < 1 for _, seconds in found)
    front = {
        f"trial-{number:03d}"
        for number, (a, b) in enumerate(found)
        if not any(x <= a and y <= b and (x, y) != (a, b) for x, y in found)
    }
    printed = capsys.readouterr().out
    assert "Pareto front" in printed
    files = {path.stem for path in (study / "experiment").glob("*.yaml")}
    assert front <= files
    assert "best" in files


def test_a_failing_trial_does_not_end_the_search(
    run_search: Run, quick: list[str], tmp_path: Path
) -> None:
    space = "search.space={optimizer.lr:[1e30,0.01]}"
    arguments = [one for one in quick if not one.startswith("search.space")]
    run_search(*arguments, space, "search.trials=2")
    found = rows(tmp_path / "study")
    states = {row["optimizer.lr"]: row["state"] for row in found}
    assert states == {"1e+30": "fail", "0.01": "complete"}
    (error,) = {row["error"] for row in found if row["state"] == "fail"}
    assert error.startswith("the training loss is")


BAD = [
    (["optimizer.lr=0.1"], "search.space varies optimizer.lr; leave it out here"),
    (["search.space={}"], "search.space is empty"),
    (["search.space={optimizer.lrr:[1,2]}"], "no key optimizer.lrr; did you mean optimizer.lr?"),
    (["search.space={data.rebin:[4,500]}"], "data.rebin=500 is not from 1 to 480"),
    (["search.space={data.pad:{low:3,high:1}}"], "expected low below high"),
    (["search.space={data.pad:3}"], "data.pad=3; expected at least two different values"),
    (["search.objectives=[val/dise]"], "'val/dise' is not known; did you mean val/dice?"),
    (["search.objectives=[physics/bias]"], "is computed on samples of known angle; name"),
    (["search.prune_by=train/loss"], "'train/loss' is not known"),
    (["search.trials=0"], "search.trials=0: expected a whole number of at least 1"),
    (["resume=auto"], "resume=auto: is not for a search; trials resume by themselves"),
    (["output_dir=null"], "output_dir is not given: add output_dir=FOLDER"),
    (["-m"], "leave out -m"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_input_is_one_sentence_and_leaves_no_folder(
    run_search: Run,
    quick: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    given = list(quick)
    if arguments[0].startswith("search.space"):
        given.remove(SPACE)
    assert text in fails(run_search, capsys, *given, *arguments)
    assert not (tmp_path / "study").exists()


OTHERS = [
    ([SPACE.replace("0.1", "0.2")], "its space has optimizer.lr={low: 0.001, high: 0.1"),
    (["search.objectives=[val/loss]"], "it had search.objectives=[val/dice], this has [val/loss]"),
    (["data.threshold=50"], "it had nothing else, this has data.threshold=50"),
]


@pytest.mark.parametrize(("arguments", "text"), OTHERS)
def test_the_folder_holds_another_search(
    run_search: Run,
    quick: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    given = list(quick)
    run_search(*given, "submit=htcondor")  # takes the folder and trains nothing
    before = (tmp_path / "study" / "sweep.json").read_text()
    assert json.loads(before)["swept"] == ["optimizer.lr", "loss"]
    if arguments[0].startswith("search.space"):
        given.remove(SPACE)
    printed = fails(run_search, capsys, *given, *arguments)
    assert text in printed
    assert (tmp_path / "study" / "sweep.json").read_text() == before


def test_optuna_is_an_extra(
    run_search: Run,
    quick: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("roilab.search.storage.find_spec", lambda name: None)
    assert "pip install 'roilab[search]'" in fails(run_search, capsys, *quick)
