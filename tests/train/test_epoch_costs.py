"""Speed and waiting of an epoch, from times given by hand."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from roilab.train.callbacks import costs


def test_speed_and_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two batches, of two crops of one image and of two images; two processes; a validation."""
    times = iter([0.0, 1.0, 3.0, 50.0, 50.5, 51.5])
    monkeypatch.setattr(costs.time, "perf_counter", lambda: next(times))
    logged: dict[str, float] = {}
    rules: dict[str, str] = {}

    def log_dict(values: dict[str, float], *, sync_dist: bool, reduce_fx: str = "mean") -> None:
        assert sync_dist  # Lightning warns otherwise, with several processes
        logged.update(values)
        rules.update(dict.fromkeys(values, reduce_fx))

    module: Any = SimpleNamespace(log_dict=log_dict)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    trainer: Any = SimpleNamespace(optimizers=[optimizer], world_size=2, datamodule=None)
    callback = costs.EpochCosts()
    callback.on_train_epoch_start(trainer, module)
    optimizer.param_groups[0]["lr"] = 0.01  # of the scheduler, for the next epoch
    first: Any = {"name": ["a", "a"]}
    callback.on_train_batch_start(trainer, module, first, 0)
    callback.on_train_batch_end(trainer, module, None, first, 0)
    callback.on_validation_end(trainer, module)
    second: Any = {"name": ["b", "c"]}
    callback.on_train_batch_start(trainer, module, second, 1)
    callback.on_train_batch_end(trainer, module, None, second, 1)
    callback.on_train_epoch_end(trainer, module)
    memory = logged.pop("memory/process_mb")
    logged.pop("memory/gpu_mb", None)
    assert memory > 50
    assert logged == pytest.approx({
        "lr": 0.1,
        "speed/images_per_s": 3 * 2 / 4.5,
        "speed/events_per_s": 3 * 2 / 4.5,
        "speed/input_wait": 1.5 / 4.5,
    })  # fmt: skip
    largest = {name for name, rule in rules.items() if rule == "max"}
    assert largest == {name for name in rules if name.startswith("memory/")}
