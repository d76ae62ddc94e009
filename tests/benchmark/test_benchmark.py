"""``python -m roilab.benchmark`` on a small detector, and what goes wrong."""

import csv
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from known_network import fails
from roilab.benchmark import costs, memory
from roilab.benchmark.export_variants import trace_probability
from roilab.benchmark.memory_worker import run_job
from roilab.benchmark.subprocess_runner import MEMORY_WORKER, WORKER, WorkerError
from roilab.benchmark.worker import measure
from roilab.entry_point import config_dir
from roilab.inference import TrainedNetwork
from tiny_frames import event_frames, write_pair

Run = Callable[..., None]
CsvRow = dict[str, str]


@pytest.fixture
def run_benchmark(monkeypatch: pytest.MonkeyPatch, user_conf: Path, tmp_path: Path) -> Run:
    def run(*arguments: str) -> None:
        from roilab.benchmark.__main__ import main

        fixed = ["--config-dir", str(user_conf), "data=tiny", "data.dir=null"]
        fixed += [f"output_dir={tmp_path / 'out'}", "repeats=1", "warmup=0"]
        monkeypatch.setattr(sys, "argv", ["roilab.benchmark", *fixed, *arguments])
        main()

    return run


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run workers in this process, which saves the import of torch."""
    workers = {WORKER: measure, MEMORY_WORKER: run_job}

    def run_here(worker: str, job: Mapping[str, Any]) -> Any:
        return workers[worker](job)

    monkeypatch.setattr(costs, "run_in_subprocess", run_here)
    monkeypatch.setattr(memory, "run_in_subprocess", run_here)


@pytest.fixture
def trained(user_conf: Path, tmp_path: Path) -> tuple[Path, TrainedNetwork]:
    """Return a checkpoint with about half of all pixels in ROIs, and its network."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        search = f"hydra.searchpath=[file://{user_conf}]"
        config = compose("train", [search, "data=tiny", "data.dir=x", "model=tiny", "run_dir=x"])
    recipe: Any = OmegaConf.to_container(config, resolve=True)
    torch.manual_seed(3)
    module = TrainedNetwork(recipe).eval()
    path = tmp_path / "trained.ckpt"
    torch.save({"roilab_recipe": recipe, "state_dict": module.state_dict()}, path)
    return path, module


def table(path: Path) -> list[CsvRow]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.usefixtures("in_process")
def test_masks_of_a_trained_network(
    run_benchmark: Run, trained: tuple[Path, TrainedNetwork], tmp_path: Path
) -> None:
    path, module = trained
    write_pair(tmp_path, 0, [0])
    event = {"event": 0, "plane": "v", "theta_xz": 80}
    (tmp_path / "meta.json").write_text(json.dumps({"events": [event]}))
    frames = event_frames(0)
    layers = [frames[tag][48:96] for tag in ("loose_lf", "mp2_roi", "mp3_roi")]
    image = torch.from_numpy(np.stack(layers)).reshape(1, 3, 48, 48, 10).mean(4) / 4000
    with torch.no_grad():
        probability = trace_probability(module)
        full = probability(image)[0, 0].numpy()
        parts = torch.cat([probability(part) for part in image.chunk(2, 2)], 2)[0, 0].numpy()
    middle = float(np.median(full))

    run_benchmark(
        *(f"network={path}", "rebin=[10]", "nchunks=[1,2]", "variant=[plain,export]", "repeats=2"),
        *("nchunks_of.export=[1]", f"sample={tmp_path}", "theta_xz=[80]"),
        "physics.decon_charge=loose_lf",
        *(f"mask_thresh=[{middle},0.99]", "margin=0"),
    )
    rows = table(tmp_path / "out" / "table.csv")
    assert [(row["variant"], row["nchunks"]) for row in rows] == [
        *[("plain", "1")] * 2, *[("plain", "2")] * 2, *[("export", "1")] * 2
    ]  # fmt: skip
    in_rois, changed = full > middle, (full > middle) != (parts > middle)
    assert changed.any()
    one, two = rows[0], rows[2]
    assert int(one["roi_pixels"]) == in_rois.sum()
    assert int(one["one_chunk_pixels"]) == int(one["plain_pixels"]) == 0
    assert int(two["one_chunk_pixels"]) == int(two["plain_clear"]) == changed.sum()
    union = (in_rois | (parts > middle)).sum()
    assert float(two["one_chunk_of_rois"]) == pytest.approx(100 * changed.sum() / union, rel=1e-4)
    assert float(two["one_chunk_of_pixels"]) == pytest.approx(100 * changed.mean(), rel=1e-4)
    change = float(two["inefficiency"]) - float(one["inefficiency"])
    assert float(two["plain_inefficiency"]) == pytest.approx(change, abs=1e-4)
    export = rows[4]
    assert float(export["plain_of_rois"]) < 0.5
    # No pixel is above 0.99, so none changes.
    assert (rows[1]["roi_pixels"], rows[3]["one_chunk_of_rois"]) == ("0", "0")
    assert float(rows[1]["inefficiency"]) == 100
    assert all(row["repeats"] == "2" and float(row["seconds"]) > 0 for row in rows)
    page = (tmp_path / "out" / "table.md").read_text()
    assert "Frames: g4-rec-0.h5 event 0 APA 1 V." in page
    assert "Changes from the plain trace" in page
    # The reference has no line in the table of changes from it.
    lines = page.split("Changes from nchunks=1:")[1].split("Changes")[0]
    assert [line.split(" | ")[2] for line in lines.splitlines() if "float32" in line] == ["2"] * 2
    assert [p.name for p in (tmp_path / "out" / "figures").iterdir()] == ["cost-UNet.png"]


@pytest.mark.usefixtures("in_process")
def test_random_weights_have_no_masks(
    run_benchmark: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_benchmark("models=[tiny]", "rebin=[10,5]", "nchunks=[1,2]", "variant=[plain]")
    rows = table(tmp_path / "out" / "table.csv")
    assert [(row["rebin"], row["nchunks"]) for row in rows] == [
        ("10", "1"), ("10", "2"), ("5", "1"), ("5", "2")
    ]  # fmt: skip
    assert {row["trained"] for row in rows} == {"False"}
    assert "mask_thresh" not in rows[0]
    shown = capsys.readouterr().out
    assert "their masks have no meaning" in shown
    assert "time [s]" in shown
    last = (tmp_path / "out" / "table.md").read_text().split("\n\n")[-1].splitlines()
    assert last[0] == "| nchunks | rebin 10 | rebin 5 |"
    assert [line.split(" | ")[0] for line in last[2:]] == ["| 1", "| 2"]


@pytest.mark.usefixtures("in_process")
def test_several_exports_in_one_table(run_benchmark: Run, tmp_path: Path) -> None:
    run_benchmark("models=[tiny]", "rebin=[10,5]", "nchunks=[1]", "variant=[export]", "repeats=1")
    rows = table(tmp_path / "out" / "table.csv")
    assert [row["rebin"] for row in rows] == ["10", "5"]
    assert all(float(row["seconds"]) > 0 for row in rows)


@pytest.mark.usefixtures("in_process")
def test_a_simulated_track_without_a_sample(
    run_benchmark: Run, trained: tuple[Path, TrainedNetwork], tmp_path: Path
) -> None:
    small = ["data=simulated", "simulation.generator.length_mm=300"]
    given = [f"network=[{trained[0]}]", "rebin=[10]", "nchunks=[1]", "variant=[plain]"]
    run_benchmark(*given, *small, f"simulated_dir={tmp_path / 'track'}")
    assert (tmp_path / "track" / "meta.json").is_file()
    (row,) = table(tmp_path / "out" / "table.csv")
    assert row["inefficiency"]
    assert row["frames"] == "1"


def test_a_worker_in_a_subprocess(
    run_benchmark: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_benchmark("models=[tiny]", "rebin=[10]", "nchunks=[1]", "variant=[plain]")
    (run,) = table(tmp_path / "out" / "runs.csv")
    assert float(run["peak_mb"]) > 0
    assert f"tables and figures in {tmp_path / 'out'}" in capsys.readouterr().out


def test_cells_that_fail(
    run_benchmark: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def some_fail(worker: str, job: Mapping[str, Any]) -> Any:
        if job["nchunks"] == 1:
            raise WorkerError("ended by SIGKILL")
        return measure(job)

    monkeypatch.setattr(costs, "run_in_subprocess", some_fail)
    given = ["models=[tiny]", "rebin=[10]", "variant=[plain]"]
    run_benchmark(*given, "nchunks=[1,2]")
    failed, measured = table(tmp_path / "out" / "table.csv")
    assert (failed["failed"], failed["peak_mb"]) == ("ended by SIGKILL", "")
    assert measured["failed"] == ""
    assert "| failed |" in (tmp_path / "out" / "table.md").read_text()
    assert "nchunks 1, float32, plain: not measured: ended by SIGKILL" in capsys.readouterr().err
    err = fails(run_benchmark, capsys, *given, "nchunks=[1]")
    assert "ended by SIGKILL; no cell could be measured" in err


@pytest.mark.usefixtures("in_process")
def test_memory_of_a_job(run_benchmark: Run, tmp_path: Path) -> None:
    given = ["study=memory", "models=[tiny]", "rebin=[10]", "segments=[APA4-V,APA4-U]"]
    run_benchmark(*given, "nchunks=[1,2]")
    rows = table(tmp_path / "out" / "segments.csv")
    assert [row["segment"] for row in rows] == ["job starts", "APA4-V", "APA4-U"] * 2
    for row in rows:
        change = float(row["end_mb"]) - float(row["start_mb"])
        assert float(row["change_mb"]) == pytest.approx(change, abs=0.05)
    steps = table(tmp_path / "out" / "steps.csv")
    assert {"3 chunk 2: forward", "5 baseline"} <= {row["step"] for row in steps}
    assert "## tiny, rebin 10, nchunks 2" in (tmp_path / "out" / "memory.md").read_text()
    assert (tmp_path / "out" / "figures" / "memory.png").is_file()


def test_memory_of_a_log(
    run_benchmark: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wct.log"
    path.write_text(
        "MEM: total: size=9M, res=5M increment: size=1M, res=1M 0 frame\n"
        "APA4-V: MEM: total: size=9M, res=7M increment: size=1M, res=2M 3 forward\n"
    )
    run_benchmark("study=memory", f"log={path}")
    rows = table(tmp_path / "out" / "segments.csv")
    changes = [(row["cell"], row["segment"], float(row["change_mb"])) for row in rows]
    mebi = 1.048576
    assert changes == [
        ("wct.log", "job", pytest.approx(mebi, rel=1e-4)),
        ("wct.log", "APA4-V", pytest.approx(2 * mebi, rel=1e-4)),
    ]
    path.write_text("empty\n")
    err = fails(run_benchmark, capsys, "study=memory", f"log={path}")
    assert "has no line 'MEM: total:" in err


BAD = [
    ("models=[nope]", "models: 'nope' is none of conf/model"),
    ("models=[]", "models=[]: expected a list of at least 1 value"),
    ("variant=[plan]", "variant: got 'plan'; expected some of plain, export"),
    ("+nchunks_of.plan=[1]", "nchunks_of: got 'plan'"),
    ("nchunks_of.export=[49]", "nchunks=49: the image has 48 channels"),
    ("nchunks_of.export=[x]", "nchunks_of.export=[x]: x in the list: expected a whole number"),
    ("nchunks=[1,49]", "nchunks=49: the image has 48 channels"),
    ("nchunks=[0]", "nchunks=[0]: 0 in the list: expected a whole number of at least 1"),
    ("rebin=[]", "rebin=[]: expected a list of at least 1 value"),
    ("repeats=0", "repeats=0: expected a whole number of at least 1"),
    ("precision=[int8]", "int8 in the list: expected one of float32, bf16"),
    ("threads=1000", "threads=1000: this machine has"),
    ("device=tpu", "device=tpu: expected one of cpu, cuda"),
    ("network=nowhere.ckpt", "network=nowhere.ckpt: expected a file or folder that exists"),
    ("sample=nowhere", "sample=nowhere: expected a folder that exists"),
    ("study=memory segments=[]", "segments=[]: expected a list of at least 1 value"),
]


@pytest.mark.parametrize(("overrides", "text"), BAD, ids=[overrides for overrides, _ in BAD])
def test_mistakes_have_a_message(
    run_benchmark: Run, capsys: pytest.CaptureFixture[str], overrides: str, text: str
) -> None:
    given = overrides.split() if overrides.startswith("study") else [overrides]
    given += [] if overrides.startswith("models") else ["models=[tiny]"]
    assert text in fails(run_benchmark, capsys, *given)


def test_angles_that_the_sample_does_not_have(
    run_benchmark: Run, tracks_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    err = fails(run_benchmark, capsys, "models=[tiny]", f"sample={tracks_dir}", "theta_xz=[60]")
    assert (
        "theta_xz=[60]: no image of plane V has one of these angles; expected some of [0.0, 80.0]"
        in err
    )


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ("cpu", "the CPU does not compute in bf16, so it would only be slow"),
        ("cuda", "torch finds no GPU here"),
    ],
)
def test_machines_that_lack_something(
    run_benchmark: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    device: str,
    text: str,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    given = ["models=[tiny]", "precision=[bf16]", f"device={device}"]
    text = (
        "the CPU does not compute in bf16, so it would only be slow"
        if device == "cpu"
        else "finds no GPU"
    )
    assert text in fails(run_benchmark, capsys, *given)
