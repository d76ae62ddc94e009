"""The plain recipe of the field: train a network with PyTorch alone, as short scripts do.

One process opens and reads the HDF5 files again in every epoch, rebins with numpy, and trains in
float32 with a batch of one image, ``BCELoss`` on the sigmoid, and SGD. It is the line that
``benchmarks/training.py`` compares roilab with; it uses roilab for the network only.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

Event = tuple[Path, Path, int]  # reconstruction file, truth file, event


@dataclass(frozen=True)
class Reading:
    """What to read: tags, channel ids of the plane, ticks, rebin, threshold, scale."""

    layers: Sequence[str]
    truth: str
    apa: int
    channels: tuple[int, int]  # half-open
    ticks: int
    rebin: int
    threshold: float
    input_scale: float


@dataclass
class Record:
    """Seconds and losses of a training, one number an epoch."""

    train_seconds: list[float] = field(default_factory=list)
    input_seconds: list[float] = field(default_factory=list)
    elapsed: list[float] = field(default_factory=list)  # since the start, after each validation
    val_loss: list[float] = field(default_factory=list)


def read_event(event: Event, reading: Reading) -> tuple[torch.Tensor, torch.Tensor]:
    """Read one event; return layers (1, layer, channel, slice) and the truth mask."""
    rec_path, tru_path, number = event
    with h5py.File(rec_path, "r", locking=False) as rec:
        frames = [_read_tag(rec[str(number)], tag, reading) for tag in reading.layers]
    with h5py.File(tru_path, "r", locking=False) as tru:
        frames.append(_read_tag(tru[str(number)], reading.truth, reading))
    image = np.stack(frames).astype(np.float32)
    image = image.reshape(*image.shape[:2], -1, reading.rebin).mean(-1)
    layers, truth = image[:-1] * reading.input_scale, image[-1:] > reading.threshold
    return torch.from_numpy(layers)[None], torch.from_numpy(truth.astype(np.float32))[None]


def _read_tag(group: h5py.Group, tag: str, reading: Reading) -> np.ndarray:
    """Read one dense tag; return the rows of the plane, shape (channel, tick)."""
    channels = group[f"channels_{tag}{reading.apa}"][:]
    low, high = reading.channels
    frame: np.ndarray = group[f"frame_{tag}{reading.apa}"][:]
    return frame[(channels >= low) & (channels < high), : reading.ticks]


def train(
    net: nn.Module,
    events: tuple[Sequence[Event], Sequence[Event]],
    reading: Reading,
    optimizer: Callable[..., torch.optim.Optimizer],
    epochs: int,
    seed: int,
) -> Record:
    """Train on the first events, validate on the second ones after every epoch."""
    training, validation = events
    loss_of, steps = nn.BCELoss(), optimizer(net.parameters())
    order, record, began = np.random.default_rng(seed), Record(), time.perf_counter()
    for _ in range(epochs):
        net.train()
        start, waited = time.perf_counter(), 0.0
        for index in order.permutation(len(training)):
            asked = time.perf_counter()
            layers, truth = read_event(training[index], reading)
            waited += time.perf_counter() - asked
            loss = loss_of(torch.sigmoid(net(layers)), truth)
            steps.zero_grad()
            loss.backward()
            steps.step()
            loss.item()
        record.train_seconds.append(time.perf_counter() - start)
        record.input_seconds.append(waited)
        net.eval()
        with torch.no_grad():
            losses = []
            for event in validation:
                layers, truth = read_event(event, reading)
                losses.append(loss_of(torch.sigmoid(net(layers)), truth).item())
        record.val_loss.append(float(np.mean(losses)))
        record.elapsed.append(time.perf_counter() - began)
    return record
