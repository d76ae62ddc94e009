"""State of a training in the middle of an epoch, beyond what Lightning saves."""

import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from lightning import LightningModule, Trainer
from torchmetrics import MeanMetric

from roilab.errors import RoilabError
from roilab.train.module import RoiModule

# Plain containers: a checkpoint is read with weights_only=True.
ProcessState = dict[str, Any]


class MidEpochError(RoilabError):
    """A checkpoint within an epoch does not fit the processes of this run."""


def collect_state(trainer: Trainer, module: LightningModule) -> list[ProcessState]:
    """Return random numbers and sum of the training loss of every process, by rank."""
    state: ProcessState = {"random": _random_state(module.device)}
    if isinstance(module, RoiModule):
        state["loss"] = _metric_state(module.losses["train"])
    if trainer.world_size == 1:
        return [state]
    states: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(states, state)
    return states


def own_state(states: list[ProcessState], trainer: Trainer) -> ProcessState:
    """Return the state of this process.

    Raises:
        MidEpochError: the checkpoint is of another number of processes.
    """
    if len(states) != trainer.world_size:
        raise MidEpochError(
            f"the checkpoint is from the middle of an epoch of {len(states)} processes, but this "
            f"run has {trainer.world_size}; resume with trainer.devices={len(states)}, and change "
            "the number of processes at the end of an epoch."
        )
    return states[trainer.global_rank]


def restore_loss(state: ProcessState, module: LightningModule) -> None:
    """Go on with the sum of the training loss over the batches before."""
    if isinstance(module, RoiModule):
        metric = module.losses["train"]
        metric.update(0.0, 0)  # otherwise it would warn that it is empty
        for name, value in state["loss"].items():
            setattr(metric, name, value.to(module.device))


def restore_random(state: ProcessState, device: torch.device) -> None:
    """Go on with the random numbers after the last batch."""
    saved = state["random"]
    torch.set_rng_state(saved["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(saved["cuda"], device)
    version, numbers, gauss = saved["python"]
    random.setstate((version, tuple(numbers), gauss))
    name, words, *rest = saved["numpy"]
    np.random.set_state((name, np.array(words, np.uint32), *rest))  # noqa: NPY002


def _random_state(device: torch.device) -> dict[str, Any]:
    version, numbers, gauss = random.getstate()
    name, words, *rest = np.random.get_state()  # noqa: NPY002
    assert isinstance(words, Iterable)
    state = {
        "torch": torch.get_rng_state(),
        "python": [version, list(numbers), gauss],
        "numpy": [name, [int(word) for word in words], *rest],
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _metric_state(metric: MeanMetric) -> dict[str, torch.Tensor]:
    return {name: getattr(metric, name).detach().cpu().clone() for name in metric.metric_state}
