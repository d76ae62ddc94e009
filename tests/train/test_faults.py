"""Faults of a training: NaN in validation, full memory, killed processes, damaged logs."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from known_network import fails
from roilab.csv_log import read_curves
from roilab.faults import MachineError, explain, explain_faults
from roilab.inference.rois import NanProbabilityError, check_probability

Run = Callable[..., None]
NAN_LOSS = ("~loss", "+loss._target_=known_losses.NanInValidation")


def test_an_epoch_with_a_nan_validation_is_not_the_best(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One NaN in the validation before the training, and one in its first epoch."""
    arguments = [*light_arguments, *NAN_LOSS, "data.val_fraction=0.2", "trainer.max_epochs=3"]
    run_train(*arguments, "+loss.count=2")
    assert "val/loss is nan in epoch 0: not kept" in capsys.readouterr().err
    assert [np.isnan(v) for _, v in read_curves(tmp_path / "run" / "csv")["val/loss"]] == [
        *(True, False, False),
    ]
    (best,) = (tmp_path / "run" / "checkpoints").glob("best*")
    assert best.name != "best-epoch000.ckpt"


def test_a_network_of_nan_is_named(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_train(*light_arguments, *NAN_LOSS, "+loss.count=99")
    printed = capsys.readouterr()
    assert "no checkpoint is the best: val/loss was never finite (at last nan)" in printed.err
    assert "val/loss is NaN: the network returns NaN" in printed.err
    (row,) = [line for line in printed.out.splitlines() if "val/roi_efficiency" in line]
    assert "nan" in row
    assert not list((tmp_path / "run" / "checkpoints").glob("best*"))


def test_a_probability_of_nan_is_no_empty_mask() -> None:
    check_probability(np.zeros((2, 2), np.float32), "net", "plane V")
    with pytest.raises(
        NanProbabilityError, match="net: the ROI probability of plane V is NaN in 1"
    ):
        check_probability(np.array([[0, np.nan]], np.float32), "net", "plane V")


def test_early_stopping_waits_for_a_finite_metric(
    run_train: Run, light_arguments: list[str], tmp_path: Path
) -> None:
    """ROI purity is NaN as long as no ROI is found."""
    monitor = "callbacks.early_stopping.monitor=val/roi_purity"
    patience = ("callbacks.early_stopping.mode=max", "callbacks.early_stopping.patience=1")
    run_train(*light_arguments, "model.mask_thresh=1", monitor, *patience, "trainer.max_epochs=3")
    curves = read_curves(tmp_path / "run" / "csv")
    assert [epoch for epoch, _ in curves["train/loss"]] == [0, 1, 2]
    assert all(np.isnan(value) for _, value in curves["val/roi_purity"])


def test_full_memory_of_the_machine() -> None:
    text = r"memory of the machine is full .*Lower x\."
    with pytest.raises(MachineError, match=text), explain_faults("Lower x."):
        torch.empty(10**16)


def test_full_memory_of_the_gpu() -> None:
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has")
    text = "The memory of the GPU is full (20.00 GiB more were asked for). Lower x."
    assert explain(error, "Lower x.") == text


def test_other_errors_are_not_explained() -> None:
    assert explain(ValueError("memory"), "") is None
    assert explain(FileNotFoundError(errno.ENOENT, "No such file", "x"), "") is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.ENOTDIR])
def test_folders_that_cannot_be_written(code: int) -> None:
    text = explain(OSError(code, os.strerror(code), "out/model.ts"), "")
    assert text is not None
    assert text.startswith(f"out/model.ts: cannot be written ({os.strerror(code)})")


def test_a_file_in_the_place_of_a_folder_of_the_run(
    run_train: Run, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoints").write_text("")
    err = fails(run_train, capsys, *light_arguments)
    assert f"{tmp_path}/run/checkpoints" in err
    assert "cannot be written" in err


def test_a_killed_worker(
    run_train: Run,
    light_arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kill(*_: Any) -> None:
        assert torch.utils.data.get_worker_info() is not None
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("roilab.data.dataset.prepare_image", kill)
    err = fails(run_train, capsys, *light_arguments, "data.num_workers=1")
    assert "A process that loads batches ended" in err
    assert "Lower data.num_workers" in err


def test_damaged_lines_of_a_log(tmp_path: Path) -> None:
    folder = tmp_path / "version_0"
    folder.mkdir()
    lines = [
        b"epoch,step,val/loss",
        b"0,3,0.5",
        b"1,7,0.4,9,9",
        b"1,7",
        b"\xff\x00,8,x",
        b"2,11,0.3",
    ]
    (folder / "metrics.csv").write_bytes(b"\n".join(lines) + b"\n")
    (tmp_path / "version_0 (copy)").mkdir()
    assert read_curves(tmp_path) == {"val/loss": [(0, 0.5), (2, 0.3)]}
