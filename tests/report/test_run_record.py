"""What is read from a run's folder."""

import os
import socket
from pathlib import Path

import pytest

from roilab.report.find import ReportError, find_runs
from roilab.report.run_page import write_run_page
from roilab.report.run_record import read_run
from roilab.report.setting_names import override_key, short_names
from roilab.report.swept_settings import find_swept_settings, sort_labels
from run_folders import write_config, write_log, write_picture, write_run, write_status, write_sweep


def test_logs_alone_are_enough(tmp_path: Path) -> None:
    write_log(tmp_path / "run", [0.5, 0.2, 0.3])
    (run,) = find_runs([tmp_path / "run"])
    assert run.state == "finished"
    assert (run.epochs, run.best_epoch) == (3, 1)
    assert run.metric("loss") == pytest.approx(0.2)
    assert run.last("train/loss") == pytest.approx(0.15)
    # Without a value for the best checkpoint, that of the last epoch.
    assert run.metric("roi_efficiency") == pytest.approx(0.9)
    assert run.metric("roi_purity") is None
    assert run.error is None


def test_what_is_missing_is_none(tmp_path: Path) -> None:
    write_config(tmp_path, [])
    run = read_run(tmp_path)
    assert run.state == "unfinished"
    assert (run.epochs, run.best_epoch, run.inefficiency, run.checkpoint) == (None,) * 4
    assert run.metric("loss") is None


def test_the_status_file_comes_first(tmp_path: Path) -> None:
    write_run(tmp_path, [0.5, 0.2], {"data.rebin": 4})
    run = read_run(tmp_path)
    assert run.results["parameters"] == 1234567
    assert run.swept == {"data.rebin": 4}
    write_status(tmp_path, "failed", {}, error="It rained.")
    assert (read_run(tmp_path).state, read_run(tmp_path).error) == ("failed", "It rained.")


def test_a_killed_process_is_seen(tmp_path: Path) -> None:
    here = socket.gethostname()
    write_status(tmp_path, "running", {}, host=here, pid=os.getpid())
    assert read_run(tmp_path).state == "running"
    gone = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(gone, 0)
    write_status(tmp_path, "running", {}, host=here, pid=gone)
    assert read_run(tmp_path).state == "interrupted"
    assert "killed" in (read_run(tmp_path).error or "")
    write_status(tmp_path, "running", {}, host="elsewhere", pid=gone)
    assert read_run(tmp_path).state == "running"


def test_broken_files_are_left_out_and_told(tmp_path: Path) -> None:
    write_log(tmp_path, [0.5])
    (tmp_path / "status.json").write_text('{"state": ')
    (tmp_path / "model.json").write_text("[1]")
    run = read_run(tmp_path)
    for name in ("status.json", "model.json"):
        assert f"{name}: cannot be read" in (run.error or "")


def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(tmp_path, ["+data.threshold=[1,2]", "model=unet", "data.rec='a b'"])
    run = read_run(tmp_path)
    assert run.setting("data.threshold") == [1, 2]
    assert run.setting("data.rec") == "a b"
    assert run.setting("data.rebin") == 10
    assert run.setting("loss") == "bce"
    assert run.setting("nothing.at.all") is None
    # What the environment or the running run decided cannot be known later.
    monkeypatch.setenv("FRAMES", "others")
    assert run.setting("data.dir") == "${oc.env:FRAMES,frames}"
    assert run.setting("run_dir") == "${hydra:runtime.output_dir}"


def test_the_reader_s_environment_stays_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROILAB_TEST_SECRET", "password")
    write_log(tmp_path, [0.5])
    write_config(tmp_path, ["a=${oc.env:ROILAB_TEST_SECRET}"])
    folder = tmp_path / ".hydra"
    (folder / "config.yaml").write_text(
        "direct: ${oc.env:ROILAB_TEST_SECRET}\nover: ${direct}\nseed: 3\nsame: ${seed}\n"
        "circle: ${circle}\ninside: x${direct}\nlist: ['${direct}']\n"
    )
    (folder / "hydra.yaml").write_text(
        "hydra: {runtime: {choices: {model: '${oc.env:ROILAB_TEST_SECRET}'}, config_sources: ["
        "{path: '${oc.env:ROILAB_TEST_SECRET}', provider: command-line}]}}"
    )
    run = read_run(tmp_path)
    assert run.setting("same") == 3
    assert run.setting("over") == "${oc.env:ROILAB_TEST_SECRET}"
    assert run.setting("circle") == "${circle}"
    page = write_run_page(tmp_path).read_text()
    assert "password" not in page
    assert "ROILAB_TEST_SECRET" in page


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "aliases"),
        ("a: " + "[" * 900 + "]" * 900, "RecursionError"),
        ("a: [1", "cannot be read"),
        ("- 1", "named values"),
        ("a: " + "b" * 6_000_000, "more than 5000000 bytes"),
    ],
)
def test_a_configuration_that_cannot_be_read(tmp_path: Path, text: str, reason: str) -> None:
    write_log(tmp_path, [0.5])
    for name in ("config", "hydra", "overrides"):
        write_config(tmp_path, [])
        (tmp_path / ".hydra" / f"{name}.yaml").write_text(text)
        run = read_run(tmp_path)
        if (name, text) != ("overrides", "- 1"):
            assert f"{name}.yaml: cannot be read" in (run.error or "")
            assert reason in (run.error or "") or name == "overrides"
        assert write_run_page(tmp_path).is_file()


def test_pictures_come_from_the_run_only(tmp_path: Path) -> None:
    write_log(tmp_path / "run", [0.5])
    write_picture(tmp_path / "private.png")
    (tmp_path / "run" / "pictures").mkdir()
    (tmp_path / "run" / "pictures" / "best_worst_events.csv").write_text(
        "rank,picture,name,roi_efficiency,roi_purity,dice\nbest,../../private.png,a,1,1,1\n"
    )
    assert "private" not in write_run_page(tmp_path / "run").read_text()


def test_jobs_of_a_sweep_in_its_order(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    runs = find_runs([tmp_path, tmp_path / "rebin-4+threshold-50"])
    assert [run.folder.name for run in runs] == [
        f"rebin-{rebin}+threshold-{threshold}" for rebin in (4, 10) for threshold in (50, 100, 200)
    ]
    assert [run.state for run in runs[3:]] == ["failed", "interrupted", "not started"]


def test_folders_sort_by_number(tmp_path: Path) -> None:
    for name in ("10", "9", "1"):
        write_log(tmp_path / "deep" / name, [0.1])
    assert [run.folder.name for run in find_runs([tmp_path])] == ["1", "9", "10"]


def test_find_swept_settings(tmp_path: Path) -> None:
    for name, rebin, extra in (("a", 4, "seed=1"), ("b", 10, "seed=1")):
        write_config(tmp_path / name, [f"data.rebin={rebin}", extra, f"output_dir={name}"])
    settings = find_swept_settings(find_runs([tmp_path]))
    assert settings.keys == ["data.rebin"]
    assert settings.titles == ("rebin", "")
    assert [settings.label(run, 0) for run in settings.runs] == ["4", "10"]
    # A run that does not override a setting has it from its configuration.
    write_config(tmp_path / "c", ["seed=2"])
    settings = find_swept_settings(find_runs([tmp_path]))
    assert settings.keys == ["data.rebin", "seed"]
    assert settings.title(settings.runs[2]) == "rebin 10, seed 2"


def test_swept_settings_without_overrides(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_config(tmp_path / name, [])
    config = tmp_path / "b" / ".hydra" / "config.yaml"
    config.write_text(config.read_text().replace("lr: 0.1", "lr: 0.2"))
    settings = find_swept_settings(find_runs([tmp_path]))
    assert settings.keys == ["optimizer.lr"]
    assert [settings.label(run, 0) for run in settings.runs] == ["0.1", "0.2"]


def test_short_names() -> None:
    assert override_key("+data.rebin=1") == "data.rebin"
    assert override_key("~logger") == "logger"
    keys = ["data.rebin", "optimizer.lr", "scheduler.lr", "model/net"]
    assert list(short_names(keys).values()) == ["rebin", "optimizer.lr", "scheduler.lr", "net"]


def test_order_of_labels() -> None:
    assert sort_labels(["10", "4", "10", "1e3"]) == ["4", "10", "1e3"]
    assert sort_labels(["unet", "timm", "unet"]) == ["unet", "timm"]


def test_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="nowhere: there is no such folder"):
        find_runs([tmp_path / "nowhere"])
    with pytest.raises(ReportError, match="there is no run in it; expected the folder of a run"):
        find_runs([tmp_path])
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="file: is a file, not a folder"):
        find_runs([tmp_path / "file"])
    with pytest.raises(ReportError, match="without key="):
        find_runs([Path("folders=[a]")])
