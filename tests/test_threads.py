"""The number of threads follows what this process may use."""

import os
from pathlib import Path

import pytest
import torch

from roilab import threads
from roilab.threads import cpu_quota, set_threads, usable_threads


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(threads, "cpu_quota", lambda: None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)


def test_follows_the_cores_that_the_process_is_bound_to() -> None:
    assert usable_threads() == (12, "cores that this process may use")


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"])
def test_follows_the_variables_of_users_and_batch_systems(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "3")
    assert usable_threads() == (3, name)


@pytest.mark.parametrize(("quota", "count"), [(4.0, 4), (2.5, 2), (0.5, 1), (64.0, 12)])
def test_follows_the_quota_of_a_container(
    quota: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
    assert usable_threads()[0] == count


def test_processes_of_a_training_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "5")
    assert usable_threads() == (2, "cores that this process may use, shared by 5 processes")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "24")  # of torchrun: on this machine
    assert usable_threads()[0] == 1


def test_quota_of_version_2_is_the_smallest_of_group_and_parents(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/job/step\n")
    (tmp_path / "root/job/step").mkdir(parents=True)
    (tmp_path / "root/job/step/cpu.max").write_text("max 100000\n")
    (tmp_path / "root/job/cpu.max").write_text("250000 100000\n")
    (tmp_path / "root/cpu.max").write_text("800000 100000\n")
    assert cpu_quota(tmp_path / "root", own) == 2.5


def test_quota_of_version_1(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("5:memory:/job\n4:cpuacct,cpu:/job\n")
    (tmp_path / "root/cpu/job").mkdir(parents=True)
    (tmp_path / "root/cpu/job/cpu.cfs_quota_us").write_text("150000\n")
    (tmp_path / "root/cpu/job/cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "root/cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "root/cpu/cpu.cfs_period_us").write_text("100000\n")
    assert cpu_quota(tmp_path / "root", own) == 1.5


def test_no_control_groups_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path, tmp_path / "absent") is None


def test_sets_the_threads_of_torch_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    before = torch.get_num_threads()
    try:
        with caplog.at_level("INFO"):
            set_threads(3)
        assert torch.get_num_threads() == 3
        assert "3 threads: trainer.threads" in caplog.text
    finally:
        torch.set_num_threads(before)
