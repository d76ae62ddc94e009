"""Frames of a very small detector: three planes, one track in each event."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roilab.frames import FrameWriter

PER_APA = 160
TICKS = 480
START_NS, TICK_NS = -250e3, 500.0


def event_frames(seed: int) -> dict[str, NDArray[np.float32]]:
    """Make frames (channel, tick) of a straight track with noise, by tag, with the truth."""
    rng = np.random.default_rng(seed)
    channel = np.arange(PER_APA)[:, None]
    tick = np.arange(TICKS)[None, :]
    centre = rng.uniform(0.2, 0.8) * TICKS + rng.uniform(-1, 1) * (channel - PER_APA / 2)
    truth = (1500 * np.exp(-((tick - centre) ** 2) / 50)).astype(np.float32)
    truth[truth < 1] = 0
    loose = truth + rng.normal(0, 200, truth.shape).astype(np.float32)
    mask = np.where(truth > 700, 4000, 0).astype(np.float32)
    return {
        "loose_lf": loose,
        "mp2_roi": mask,
        "mp3_roi": np.roll(mask, 3, axis=1),
        "gauss": np.where(truth > 500, loose, 0).astype(np.float32),
        "deposplat": truth,
    }


def write_pair(
    folder: Path, number: int, events: list[int], apa: int = 1, suffix: str = ".h5"
) -> None:
    """Write ``g4-rec-N`` and ``g4-tru-N`` of one anode, with channel ids as in real files."""
    first = PER_APA * apa
    with (
        FrameWriter(folder / f"g4-rec-{number}{suffix}") as rec,
        FrameWriter(folder / f"g4-tru-{number}{suffix}") as tru,
    ):
        for event in events:
            for tag, samples in event_frames(1000 * number + event).items():
                writer = tru if tag == "deposplat" else rec
                channels = np.arange(first, first + PER_APA)
                writer.add(event, f"{tag}{apa}", samples, channels, START_NS, TICK_NS)
