"""A placeholder for the simulation: straight tracks and white noise in the right format.

It has no physics (no drift, no field response) and exists only so that the road from frames to
network can be walked before the simulation stands.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from roilab.frames import FrameWriter

_NOISE = 275.0  # RMS of loose_lf off signal [electrons/tick]
_PEAK = 1500.0  # truth charge at a track's centre [electrons/tick]


def make_sample(
    config: Mapping[str, Any], folder: Path, processes: int = 1, progress: bool = True
) -> None:
    """Write ``g4-rec-N.h5`` and ``g4-tru-N.h5`` where they are not there yet.

    Args:
        config: ``seed``, ``files``, ``events_per_file``, ``channels``, ``ticks``.
        folder: where to.
        processes: not used.
        progress: show a progress bar.
    """
    numbers = [n for n in range(config["files"]) if not (folder / f"g4-tru-{n}.h5").is_file()]
    for number in track(numbers, "Simulating", disable=not (progress and numbers)):
        with (
            FrameWriter(folder / f"g4-rec-{number}.h5") as rec,
            FrameWriter(folder / f"g4-tru-{number}.h5") as tru,
        ):
            for event in range(config["events_per_file"]):
                rng = np.random.default_rng([config["seed"], number, event])
                frames = _event(rng, config["channels"], config["ticks"])
                for tag, samples in frames.items():
                    writer = tru if tag == "deposplat" else rec
                    channels = np.arange(len(samples))
                    writer.add(event, f"{tag}0", samples, channels, 0.0, 500.0)


def _event(rng: np.random.Generator, channels: int, ticks: int) -> dict[str, NDArray[np.float32]]:
    channel = np.arange(channels)[:, None]
    tick = np.arange(ticks, dtype=np.float32)[None, :]
    truth = np.zeros((channels, ticks), dtype=np.float32)
    for _ in range(rng.integers(4, 9)):
        first, last = np.sort(rng.integers(0, channels, 2))
        start, slope = rng.uniform(0, ticks), rng.normal(0, 6)
        along = (channel >= first) & (channel <= last)
        distance = (tick - start - slope * (channel - first)) / 4
        truth += np.where(along, _PEAK * np.exp(-(distance**2) / 2), 0).astype(np.float32)
    truth[truth < 1] = 0
    noise = rng.normal(0, _NOISE, truth.shape).astype(np.float32)
    found = truth > 500
    mask = np.where(found & (rng.random((channels, 1)) < 0.6), 4000, 0).astype(np.float32)
    return {
        "deposplat": truth,
        "loose_lf": truth + noise,
        "gauss": np.where(found, truth + noise, 0).astype(np.float32),
        "mp2_roi": mask,
        "mp3_roi": np.where(rng.random((channels, 1)) < 0.3, mask, 0).astype(np.float32),
    }
