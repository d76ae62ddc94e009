"""What is read from a run's folder."""

import os
import socket
from pathlib import Path

import pytest

from roilab.report.find import ReportError, find_jobs
from roilab.report.job import read_job
from roilab.report.swept_settings import in_order, what_varies
from run_folders import write_config, write_log, write_run, write_status, write_sweep


def test_logs_alone_are_enough(tmp_path: Path) -> None:
    write_log(tmp_path / "run", [0.5, 0.2, 0.3])
    (job,) = find_jobs([tmp_path / "run"])
    assert job.state == "finished"
    assert (job.epochs, job.best_epoch) == (3, 1)
    assert job.metric("loss") == pytest.approx(0.2)
    assert job.last("train/loss") == pytest.approx(0.15)
    # Without a value for the best checkpoint, that of the last epoch.
    assert job.metric("roi_efficiency") == pytest.approx(0.9)
    assert job.metric("roi_purity") is None
    assert job.error is None


def test_what_is_missing_is_none(tmp_path: Path) -> None:
    write_config(tmp_path, [])
    job = read_job(tmp_path)
    assert job.state == "unfinished"
    assert (job.epochs, job.best_epoch, job.inefficiency, job.checkpoint) == (None,) * 4
    assert job.metric("loss") is None


def test_the_status_file_comes_first(tmp_path: Path) -> None:
    write_run(tmp_path, [0.5, 0.2], {"data.rebin": 4})
    job = read_job(tmp_path)
    assert job.results["parameters"] == 1234567
    assert job.swept == {"data.rebin": 4}
    write_status(tmp_path, "failed", {}, error="It rained.")
    assert (read_job(tmp_path).state, read_job(tmp_path).error) == ("failed", "It rained.")


def test_a_killed_process_is_seen(tmp_path: Path) -> None:
    here = socket.gethostname()
    write_status(tmp_path, "running", {}, host=here, pid=os.getpid())
    assert read_job(tmp_path).state == "running"
    gone = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(gone, 0)
    write_status(tmp_path, "running", {}, host=here, pid=gone)
    assert read_job(tmp_path).state == "interrupted"
    assert "killed" in (read_job(tmp_path).error or "")
    write_status(tmp_path, "running", {}, host="elsewhere", pid=gone)
    assert read_job(tmp_path).state == "running"


def test_broken_files_are_left_out_and_told(tmp_path: Path) -> None:
    write_log(tmp_path, [0.5])
    (tmp_path / "status.json").write_text('{"state": ')
    (tmp_path / "model.json").write_text("[1]")
    (tmp_path / "csv" / "version_1").mkdir()
    (tmp_path / "csv" / "version_1" / "metrics.csv").write_text("epoch,b\nx,2\n")
    job = read_job(tmp_path)
    for name in ("status.json", "model.json", "csv"):
        assert f"{name}: cannot be read" in (job.error or "")


def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(tmp_path, ["+data.threshold=[1,2]", "model=unet", "data.rec='a b'"])
    job = read_job(tmp_path)
    assert job.setting("data.threshold") == [1, 2]
    assert job.setting("data.rec") == "a b"
    assert job.setting("data.rebin") == 10
    assert job.setting("loss") == "bce"
    assert job.setting("nothing.at.all") is None
    # What the environment or the running job decided cannot be known later.
    monkeypatch.setenv("FRAMES", "others")
    assert job.setting("data.dir") == "${oc.env:FRAMES,frames}"
    assert job.setting("run_dir") == "${hydra:runtime.output_dir}"


def test_jobs_of_a_sweep_in_its_order(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    jobs = find_jobs([tmp_path, tmp_path / "rebin-4+threshold-50"])
    assert [job.folder.name for job in jobs] == [
        f"rebin-{rebin}+threshold-{threshold}" for rebin in (4, 10) for threshold in (50, 100, 200)
    ]
    assert [job.state for job in jobs[3:]] == ["failed", "interrupted", "not started"]


def test_folders_sort_by_number(tmp_path: Path) -> None:
    for name in ("10", "9", "1"):
        write_log(tmp_path / "deep" / name, [0.1])
    assert [job.folder.name for job in find_jobs([tmp_path])] == ["1", "9", "10"]


def test_what_varies(tmp_path: Path) -> None:
    for name, rebin, extra in (("a", 4, "seed=1"), ("b", 10, "seed=1")):
        write_config(tmp_path / name, [f"data.rebin={rebin}", extra, f"output_dir={name}"])
    varied = what_varies(find_jobs([tmp_path]))
    assert varied.keys == ["data.rebin"]
    assert varied.titles == ("rebin", "")
    assert [varied.text(job, 0) for job in varied.jobs] == ["4", "10"]
    # A run that does not override a setting has it from its configuration.
    write_config(tmp_path / "c", ["seed=2"])
    varied = what_varies(find_jobs([tmp_path]))
    assert varied.keys == ["data.rebin", "seed"]
    assert varied.title(varied.jobs[2]) == "rebin 10, seed 2"


def test_what_varies_without_overrides(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_config(tmp_path / name, [])
    config = tmp_path / "b" / ".hydra" / "config.yaml"
    config.write_text(config.read_text().replace("lr: 0.1", "lr: 0.2"))
    varied = what_varies(find_jobs([tmp_path]))
    assert varied.keys == ["optimizer.lr"]
    assert [varied.text(job, 0) for job in varied.jobs] == ["0.1", "0.2"]


def test_order_of_labels() -> None:
    assert in_order(["10", "4", "10", "1e3"]) == ["4", "10", "1e3"]
    assert in_order(["unet", "timm", "unet"]) == ["unet", "timm"]


def test_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="nowhere: there is no such folder"):
        find_jobs([tmp_path / "nowhere"])
    with pytest.raises(ReportError, match="there is no run in it; expected the folder of a run"):
        find_jobs([tmp_path])
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="file: is a file, not a folder"):
        find_jobs([tmp_path / "file"])
    with pytest.raises(ReportError, match="without key="):
        find_jobs([Path("folders=[a]")])
