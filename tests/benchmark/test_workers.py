"""Workers of the benchmark, run in the process of the test."""

import ctypes
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from roilab.benchmark.memory_worker import run_job
from roilab.benchmark.process import resident_mb
from roilab.benchmark.subprocess_runner import WorkerError, run_in_subprocess
from roilab.benchmark.worker import measure
from roilab.freed_memory import return_freed_memory
from roilab.peak_memory import PeakMemory
from roilab.wirecell.torchscript import save_torchscript

HELD_MB = 200  # more than the allocator may have free


class Hungry(nn.Module):
    """Allocates 200 MB for a while; its output depends on the number of channels."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        # Filled with a value of the image, or TorchScript would store it as a constant.
        held = torch.full([50_000_000], float(image[0, 0, 0, 0]))
        return image[:, :1] - held[:1] + image[0, 0, 0, 0] + image.shape[2]


@pytest.fixture(autouse=True)
def memory_is_returned() -> None:
    """Set glibc's defaults again: a training in this process lets it keep freed memory."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, default in ((-4, 65536), (-1, 2**17), (-2, 2**17)):
            mallopt(parameter, default)
    return_freed_memory()


@pytest.fixture
def model(tmp_path: Path) -> str:
    save_torchscript(Hungry(), tmp_path / "model.ts", {})
    return str(tmp_path / "model.ts")


def test_peak_counts_from_its_reset() -> None:
    before = np.ones(HELD_MB * 125_000)
    del before
    peak, now = PeakMemory(), resident_mb()
    assert peak.since_reset
    assert peak.mb() == pytest.approx(now, abs=20)
    held = np.ones(HELD_MB * 125_000)
    assert peak.mb() - now == pytest.approx(HELD_MB, abs=20)
    del held
    assert peak.mb() - resident_mb() == pytest.approx(HELD_MB, abs=20)


def test_memory_time_and_outputs(model: str, tmp_path: Path) -> None:
    images = [np.random.default_rng(n).normal(size=(2, 10, 7)).astype(np.float32) for n in (0, 1)]
    job: dict[str, Any] = {"module": model, "nchunks": 3, "warmup": 1, "events": 2}
    job |= {"threads": None, "device": "cpu", "images": [], "outputs": []}
    for number, image in enumerate(images):
        np.save(tmp_path / f"image{number}.npy", image)
        job["images"].append(str(tmp_path / f"image{number}.npy"))
        job["outputs"].append(str(tmp_path / f"out{number}.npy"))
    measured = measure(job)
    assert measured["peak_mb"] == pytest.approx(HELD_MB, abs=20)
    assert len(measured["seconds"]) == 2
    assert measured["loaded_mb"] > 100
    assert not [name for name in measured if name.startswith("gpu")]
    sizes = np.repeat([4, 4, 2], [4, 4, 2])[:, None].astype(np.float32)
    for image, path in zip(images, job["outputs"], strict=True):
        np.testing.assert_allclose(np.load(path), image[0] + sizes, rtol=1e-5)


def test_steps_of_a_job(model: str, tmp_path: Path) -> None:
    frame = np.random.default_rng(0).normal(0, 900, (40, 600)).astype(np.float32)
    np.savez(tmp_path / "frame.npz", a=frame, b=frame, q=frame)
    node = {"tick_per_slice": 10, "tick_pad_multiple": 0, "nchunks": 2, "input_scale": 1e-3}
    node |= {"input_offset": 0.0, "mask_thresh": 0.5, "output_scale": 1.0, "output_offset": 0.0}
    node |= {"save_negative_charge": False}
    job = {"module": model, "frame": str(tmp_path / "frame.npz"), "layers": ["a", "b"]}
    job |= {"decon_charge": "q", "node": node, "segments": ["APA4-V", "APA4-U"]}
    rows = run_job({**job, "keep_frames": True, "threads": None, "device": "cpu"})
    steps = [row["step"] for row in rows if row["segment"] == "APA4-V"]
    assert steps == [row["step"] for row in rows if row["segment"] == "APA4-U"]
    assert (rows[0]["segment"], rows[0]["step"]) == ("job starts", "6 load and service")
    assert steps[0] == "0 frame"
    assert steps[-2:] == ["5 frame out: node done", "0 frame in: freed"]
    assert [step[0] for step in steps] == [*"0", *"111111", *"2", *"3333333", *"4", *"55555", *"0"]
    # No memory is lost between two steps.
    assert all(one["after_mb"] == other["before_mb"] for one, other in pairwise(rows))
    for row in rows:
        high = row["peak_mb"] - row["before_mb"]
        expected = HELD_MB if row["step"].endswith("forward") else 0
        assert high == pytest.approx(expected, abs=20), row["step"]


def test_processes_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_in_subprocess("json.tool", {"a": [1, 2]}) == {"a": [1, 2]}
    with pytest.raises(WorkerError, match=r"No module named json\.nothing"):
        run_in_subprocess("json.nothing", {})
    (tmp_path / "killed.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(WorkerError, match=r"ended by SIGKILL \(the system does so when memory"):
        run_in_subprocess("killed", {})
