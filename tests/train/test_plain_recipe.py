"""A training against the plain recipe of the field, a loop in PyTorch alone."""

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from roilab.csv_log import read_curves
from roilab.models import UNet
from tiny_frames import PER_APA, TICKS, write_pair

Run = Callable[..., None]


@pytest.fixture(scope="module")
def plain_recipe() -> Any:
    """Module ``benchmarks/plain_recipe.py``, which uses nothing of roilab's training."""
    path = Path(__file__).parents[2] / "benchmarks" / "plain_recipe.py"
    spec = importlib.util.spec_from_file_location("plain_recipe", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["plain_recipe"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_losses_equal_those_of_the_plain_recipe(
    plain_recipe: Any, run_train: Run, light_arguments: list[str], tmp_path: Path
) -> None:
    """In float32, from the same weights, with one image an epoch, which leaves no order."""
    folder, weights, epochs = tmp_path / "frames", tmp_path / "weights.pt", 5
    folder.mkdir()
    write_pair(folder, 0, [100])
    write_pair(folder, 1, [110])
    torch.manual_seed(3)
    net = UNet(3, [4, 8, 8, 8, 8], [8, 8, 4, 4], align_corners=True)
    torch.save(net.state_dict(), weights)
    run_train(
        *light_arguments,
        *(f"data.dir={folder}", "data.train_files=[g4-rec-0.h5]", "data.val_files=[g4-rec-1.h5]"),
        *(f"trainer.max_epochs={epochs}", f"model.weights={weights}", "optimizer.lr=0.1"),
    )
    curve = read_curves(tmp_path / "run" / "csv")["val/loss"]

    reading = plain_recipe.Reading(
        layers=["loose_lf", "mp2_roi", "mp3_roi"],
        truth="deposplat",
        apa=1,
        channels=(PER_APA + 48, PER_APA + 96),
        ticks=TICKS,
        rebin=10,
        threshold=100,
        input_scale=1 / 4000,
    )
    events = [
        [(folder / f"g4-rec-{file}.h5", folder / f"g4-tru-{file}.h5", event)]
        for file, event in ((0, 100), (1, 110))
    ]
    sgd = partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.0005)
    record = plain_recipe.train(net, events, reading, sgd, epochs, seed=0)
    losses = [loss for _, loss in curve]
    assert losses == pytest.approx(record.val_loss, rel=1e-4)
    assert max(losses) > 1.05 * min(losses)  # it has trained
