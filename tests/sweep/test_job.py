"""The environment variables of a job."""

import os

import pytest
from omegaconf import OmegaConf

from roilab.sweep.job import _environment
from roilab.sweep.launchers import gpu_environment
from roilab.sweep.process_count import count_processes


def test_all_changes_are_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGED", "before")
    monkeypatch.setenv("REMOVED", "before")
    monkeypatch.delenv("ADDED", raising=False)
    before = dict(os.environ)
    with _environment({"CUDA_VISIBLE_DEVICES": "7"}):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
        os.environ |= {"CHANGED": "after", "ADDED": "after"}
        del os.environ["REMOVED"]
    assert dict(os.environ) == before


def test_one_task_of_slurm_starts_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "1")
    trainer = OmegaConf.create({"accelerator": "cpu", "devices": 2, "strategy": "ddp"})
    with _environment({}):
        assert count_processes(trainer) == 2
    assert os.environ["SLURM_NTASKS"] == "1"


def test_only_parallel_jobs_get_a_gpu_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    joblib = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
    assert gpu_environment(joblib, 3) == {"CUDA_VISIBLE_DEVICES": "5"}
    assert gpu_environment("hydra._internal.core_plugins.basic_launcher.BasicLauncher", 3) == {}
