"""The lines of README for a notebook run as they stand, on files that this test writes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
TRAINING = '["model=mobilenetv3", "data.rebin=10"]'
TICKS, FIRST, CHANNELS = 6000, 2560 + 800, 800  # plane V of anode 1 of ProtoDUNE-HD


def write_frames() -> None:
    """Write one event of plane V in full size: a track that the first layer shows."""
    from roilab.frames import FrameWriter

    channel, tick = np.arange(CHANNELS)[:, None], np.arange(TICKS)[None, :]
    charge = np.where(abs(tick - 5 * channel - 500) < 20, 1000, 0).astype(np.float32)
    ids = np.arange(FIRST, FIRST + CHANNELS)
    with FrameWriter("g4-rec-0.h5") as rec, FrameWriter("g4-tru-0.h5") as tru:
        for tag in ("loose_lf1", "mp2_roi1", "mp3_roi1", "decon_charge1"):
            rec.add(100, tag, charge, ids, -250e3, 500.0)
        tru.add(100, "deposplat1", charge, ids, -250e3, 500.0)


def write_checkpoint() -> None:
    """Write a checkpoint of a small network for ProtoDUNE-HD with random weights."""
    import torch
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    from roilab.entry_point import config_dir
    from roilab.inference import TrainedNetwork

    small = ["model.net.encoder_widths=[2,4,4,4,4]", "model.net.decoder_widths=[4,4,2,2]"]
    overrides = ["model=unet", *small, "data=pdhd", "data.dir=.", "run_dir=."]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", [*overrides, "output_dir=."])
    recipe: Any = OmegaConf.to_container(config, resolve=True)
    network = TrainedNetwork(recipe)
    torch.save({"state_dict": network.state_dict(), "roilab_recipe": recipe}, "best.ckpt")


def test_notebook_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, light_arguments: list[str]
) -> None:
    """All lines run unchanged; only the training gets smaller data and fewer epochs."""
    (block,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert block.count(TRAINING) == 1
    monkeypatch.chdir(tmp_path)
    write_frames()
    write_checkpoint()
    _, folder, *small = light_arguments
    smaller = [one for one in small if not one.startswith("model=")] + ["trainer.max_epochs=1"]
    names: dict[str, Any] = {}
    exec(block.replace(TRAINING, f"{TRAINING} + {smaller!r}, config_dir={folder!r}"), names)
    assert names["plane"].tags["loose_lf"].shape == (CHANNELS, TICKS)
    assert names["plane"].truth.any()
    assert names["roi"].mask.shape == (CHANNELS, TICKS)
    assert names["run"].network.spec.rebin == 10
    assert "val/loss" in names["run"].metrics
