"""Number of processes of a training, against the launcher that Lightning chooses."""

from typing import Any

import pytest
from lightning import Trainer
from omegaconf import OmegaConf

from roilab.sweep.process_count import count_processes

CPU = [
    {"strategy": "auto", "devices": 1},
    {"strategy": "auto", "devices": "auto"},
    {"strategy": "auto", "devices": 3},
    {"strategy": "ddp", "devices": 1},
    {"strategy": "ddp", "devices": "2"},
    {"strategy": "ddp_find_unused_parameters_true", "devices": 2},
    {"strategy": "ddp_spawn", "devices": 2},
    {"strategy": "ddp", "devices": 2, "num_nodes": 2},
]


def count(**settings: Any) -> int:
    return count_processes(OmegaConf.create({"accelerator": "cpu", **settings}))


@pytest.mark.parametrize("settings", CPU, ids=str)
def test_as_lightning_counts(settings: dict[str, Any]) -> None:
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, **settings)
    starts = type(trainer.strategy.launcher).__name__ == "_SubprocessScriptLauncher"
    expected = trainer.num_devices if starts and trainer.num_nodes == 1 else 1
    assert count(**settings) == expected


GPU = [("auto", "auto", 4), ("gpu", -1, 4), ("gpu", [1, 2], 2), ("gpu", "0,1,3", 3), ("gpu", 9, 1)]


@pytest.mark.parametrize(("accelerator", "devices", "expected"), GPU)
def test_gpus(
    monkeypatch: pytest.MonkeyPatch, accelerator: str, devices: Any, expected: int
) -> None:
    """On a machine of four; nine are too many, as Lightning will say."""
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert count(accelerator=accelerator, strategy="ddp", devices=devices) == expected


@pytest.mark.parametrize("variable", ["LOCAL_RANK", "SLURM_NTASKS"])
def test_one_where_others_started_the_processes(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    assert count(strategy="ddp", devices=2) == 2
    monkeypatch.setenv(variable, "2")
    assert count(strategy="ddp", devices=2) == 1
