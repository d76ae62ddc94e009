"""Frames of an event into frame files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import PLANE_NAMES, Detector
from roilab.frames import FrameWriter

TRUTH_TAG = "deposplat"


def write_event(
    rec: FrameWriter,
    tru: FrameWriter,
    config: Mapping[str, Any],
    detector: Detector,
    index: int,
    planes: list[dict[str, NDArray[Any]]],
    truth: list[NDArray[np.float32]],
) -> None:
    """Write the reconstruction and the truth of one event.

    Args:
        rec: file of the reconstruction.
        tru: file of the truth.
        config: which ``planes`` and ``tags`` to write, how to round them, number of the
            ``first_event``.
        detector: channel numbers and clock.
        index: number of the event in the sample.
        planes: frames of U, V and W by tag, each (channel, tick).
        truth: truth of U, V and W, each (channel, tick).
    """
    chosen = [number for number, name in enumerate(PLANE_NAMES) if name in config["planes"]]
    channels = np.concatenate(
        [
            detector.first_channels[plane] + np.arange(detector.planes[plane].channels)
            for plane in chosen
        ]
    )
    event, clock = config["first_event"] + index, (detector.tick0_ns, detector.tick_ns)
    rounding = config["rounding"]
    for tag in config["tags"]:
        samples = np.concatenate([planes[plane][tag] for plane in chosen])
        samples = rounded(samples, tag, rounding)
        rec.add(event, f"{tag}{detector.apa}", samples, channels, *clock)
    samples = rounded(np.concatenate([truth[plane] for plane in chosen]), TRUTH_TAG, rounding)
    tru.add(event, f"{TRUTH_TAG}{detector.apa}", samples, channels, *clock)


def rounded(samples: NDArray[Any], tag: str, rounding: Mapping[str, float]) -> NDArray[Any]:
    """Samples as multiples of the tag's step; ``decon_charge`` as odd ones, never exactly 0."""
    step = rounding.get(tag, 0)
    if not step:
        return samples
    unit = np.float32(step)
    if tag == "decon_charge":
        return (2 * np.floor(samples / (2 * unit)) + 1) * unit
    return np.rint(samples / unit) * unit
